"""Valkey (a Redis) as a child of the launcher: unix socket only, tasks survive a restart."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from oms.embedded.errors import EmbeddedError
from oms.embedded.guard import is_alive
from oms.embedded.postgres import DEMO, Profile
from oms.embedded.processes import socket_folder, tail, wait_until
from oms.embedded.programs import find_valkey_server

CACHE_DATABASE = 0
BROKER_DATABASE = 1  # apart from the cache: clearing that must not drop tasks
DATABASES = 64  # so that each parallel test process can have its own


class Valkey:
    """One server. The caller serialises `start` and `stop` (see services.Services)."""

    name = "Valkey"
    polite_signal = signal.SIGTERM

    def __init__(self, state: Path, profile: Profile = DEMO) -> None:
        self.profile = profile
        self.data = state / "valkey"
        self.log = state / "log" / "valkey.log"
        self.socket = socket_folder(state) / "valkey.sock"
        self.pid_file = self.data / "valkey.pid"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL for redis-py and Django's cache."""
        return f"unix://{self.socket}?db={CACHE_DATABASE}"

    @property
    def broker_url(self) -> str:
        """The URL for Celery, which names databases in its own way."""
        return f"redis+socket://{self.socket}?virtual_host={BROKER_DATABASE}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it is not running."""
        with contextlib.suppress(OSError, ValueError):
            pid = int(self.pid_file.read_text())
            if is_alive(pid):
                return pid
        return None

    def is_running(self) -> bool:
        """Whether the server answers; one that is still loading its data does not count."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(self.socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def start(self, seconds: float = 30.0) -> None:
        """Start the server unless it runs. Raises EmbeddedError."""
        if self.is_running():
            return
        self._reap()
        self.data.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._process = server = subprocess.Popen(
            [str(find_valkey_server()), *self._options()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # Ctrl-C is the launcher's, which stops the server last
        )
        wait_until(lambda: self.is_running() or server.poll() is not None, seconds)
        if not self.is_running():
            server.kill()
            server.wait()
            raise EmbeddedError(f"Valkey did not start. The end of {self.log}:\n{tail(self.log)}")

    def stop(self, seconds: float = 10.0) -> None:
        """Shut down; what is queued is on disk and comes back."""
        pid = self.pid
        if pid is None:
            self._reap()
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, self.polite_signal)
        if not wait_until(lambda: not self._still_there(pid), seconds):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wipe(self) -> None:
        """Delete the data. The server must be stopped."""
        shutil.rmtree(self.data, ignore_errors=True)

    def _options(self) -> list[str]:
        durable = "no" if self.profile.throwaway else "yes"
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "pidfile": str(self.pid_file),
            "logfile": str(self.log),
            "databases": str(DATABASES),
            "appendonly": durable,
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def _reap(self) -> None:
        if self._process:
            self._process.poll()

    def _still_there(self, pid: int) -> bool:
        if self._process and self._process.pid == pid:
            return self._process.poll() is None  # which also reaps it
        return is_alive(pid)
