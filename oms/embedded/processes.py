"""Small facts about processes and files that the embedded servers share, the same on Linux and macOS."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from oms.embedded.errors import EmbeddedError

SOCKET_ROOT = Path("/tmp")  # noqa: S108 - unix socket paths are limited to about 104 bytes; the folder below is private


def command_line(pid: int) -> str:
    """The command line of a running process, or an empty string when it is gone."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Poll `condition` for at most `seconds`; returns whether it came true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; the kernel lets go of it should the process die."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def exclusive(path: Path, refusal: str) -> Iterator[IO[str]]:
    """Hold an exclusive lock on a file and give it to write in.

    Raises EmbeddedError when another process holds it; `{note}` in the refusal stands for the first line that one wrote.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise EmbeddedError(refusal.format(note=file.readline().strip())) from None
        yield file


def socket_folder(state: Path) -> Path:
    """The private folder for the sockets of one state folder: short whatever the project's own path is.

    Raises EmbeddedError when somebody else made it, because then its sockets could not be trusted.
    """
    tag = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:10]
    folder = SOCKET_ROOT / f"oms-{os.geteuid()}-{tag}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    ours = facts.st_uid == os.geteuid() or os.geteuid() == 0
    if not stat.S_ISDIR(facts.st_mode) or not ours or facts.st_mode & 0o077:
        raise EmbeddedError(f"{folder} belongs to somebody else; remove it and start again.")
    return folder


def tail(log: Path, characters: int = 1500) -> str:
    """The end of a log file, for an error message."""
    return log.read_text(errors="replace")[-characters:] if log.exists() else ""
