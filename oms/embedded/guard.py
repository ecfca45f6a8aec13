"""The guard: a small process that outlives the launcher and clears up after it, also after `kill -9`.

The launcher tells it through a pipe which processes it has started and which it has stopped. When the pipe closes, the
launcher is gone, however it went; what is still on the list is then stopped. A pipe works the same on Linux and macOS.
Servers are on the list by their pid file before they are started, so there is no moment in which one could be left over.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import IO

PATIENCE = 8.0  # seconds a process has to leave by itself before it is killed


@dataclass(frozen=True)
class Watched:
    """A process to stop, known by its id or by the file it writes that into.

    `signal` is how it is asked; `group` takes its children along. `unless_used` names a lock file: the process stays while
    another launcher holds a shared lock on that.
    """

    name: str
    pid: int = 0
    pid_file: str = ""
    signal: int = signal.SIGTERM
    group: bool = False
    unless_used: str = ""

    def with_pid(self) -> Watched | None:
        """The same with its process id read from the file; None when there is none."""
        if self.pid:
            return self
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(self.pid_file) as file:  # noqa: PTH123 - pathlib would double the guard's time to start
                pid = int(file.read().split()[0])
            return replace(self, pid=pid) if pid > 0 else None
        return None


class Guard:
    """The launcher's end of the pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # neither Ctrl-C nor a closed terminal reaches it
            cwd="/",
            text=True,
        )

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def watch(self, watched: Watched) -> None:
        """Have a process stopped when the launcher dies."""
        self._tell({"watch": asdict(watched)})

    def watch_process(self, name: str, pid: int, *, group: bool = False) -> None:
        """Have one of the launcher's own programs stopped, with its children if it leads a process group."""
        self.watch(Watched(name, pid, group=group))

    def forget(self, name: str) -> None:
        """The process has ended or is no longer ours."""
        self._tell({"forget": name})

    def close(self) -> None:
        """Let the guard do what is left to do, and wait for it."""
        pipe = self._pipe()
        if not pipe.closed:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._process.wait()

    def _tell(self, message: dict[str, object]) -> None:
        pipe = self._pipe()
        pipe.write(json.dumps(message) + "\n")
        pipe.flush()

    def _pipe(self) -> IO[str]:
        assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
        return self._process.stdin


def keep_watch(lines: IO[str]) -> None:
    """Read the launcher's messages until it is gone, then stop what it left: first its programs, then the servers."""
    watched: dict[str, Watched] = {}
    for line in lines:
        message = json.loads(line)
        if "watch" in message:
            entry = Watched(**message["watch"])
            watched[entry.name] = entry
        else:
            watched.pop(message["forget"], None)
    stop([entry for entry in watched.values() if not entry.unless_used])
    servers = [entry for entry in watched.values() if entry.unless_used]
    for path in {entry.unless_used for entry in servers}:
        with open(path, "a") as users, contextlib.suppress(BlockingIOError):  # noqa: PTH123 - as above
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stop([entry for entry in servers if entry.unless_used == path])


def stop(entries: list[Watched], patience: float = PATIENCE) -> None:
    """Ask every process to leave, then kill those that do not.

    The leader of a group is asked alone: it tells its children itself, in its own order. If it is dead, they are asked.
    """
    entries = [found for entry in entries if (found := entry.with_pid())]
    for entry in entries:
        send(entry.pid, entry.signal, group=entry.group and not is_alive(entry.pid))
    end = time.monotonic() + patience
    while any(is_running(entry) for entry in entries) and time.monotonic() < end:
        time.sleep(0.05)
    for entry in entries:
        if is_running(entry):
            send(entry.pid, signal.SIGKILL, group=entry.group)


def send(pid: int, number: int, *, group: bool) -> None:
    """Signal a process or its group; one that is gone already is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def is_running(entry: Watched) -> bool:
    """Whether the process, or any process of its group, still runs. Reaps it when it was a child of ours."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(entry.pid, os.WNOHANG)
    return group_is_alive(entry.pid) if entry.group else is_alive(entry.pid)


def is_alive(pid: int) -> bool:
    """Whether a process runs. A zombie does not: it holds neither memory nor sockets."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not is_zombie(pid)


def is_zombie(pid: int) -> bool:
    """Whether a process has ended but was not reaped yet (containers without an init leave such ones for good)."""
    return _state_and_group(pid)[0] in {"Z", "X"}


def group_is_alive(group: int) -> bool:
    """Whether any process of a process group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()] if os.path.exists("/proc/self/stat") else []  # noqa: PTH110, PTH208
    return not pids or any(found[1] == group and found[0] not in {"Z", "X"} for found in map(_state_and_group, pids))


def _state_and_group(pid: int) -> tuple[str, int]:
    """The state letter and process group of a process by Linux's /proc; ("", 0) elsewhere or when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - as above
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return "", 0
    return fields[0], int(fields[2])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    keep_watch(sys.stdin)
