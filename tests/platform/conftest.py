"""Fixtures for the launcher and the embedded servers: each test has state folders of its own, apart from the suite's."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from oms.embedded import Guard
from oms.embedded.processes import command_line, socket_folder

ROOT = Path(__file__).resolve().parents[2]
SUITES_OWN = (
    "DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "SECRET_KEY",
    "OMS_ENV",
    "OMS_STATE",
    "OMS_PUBLIC_URL",
    "OMS_SLOT",
)


@pytest.fixture
def guard() -> Iterator[Guard]:
    """A guard that has stopped everything on its list when the test is over."""
    with Guard() as made:
        yield made


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder that PostgreSQL's account can reach when the suite runs as root."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            with suppress(PermissionError):
                folder.chmod(folder.stat().st_mode | 0o011)
    made = tmp_path / "state with a space"
    yield made
    if made.exists():
        shutil.rmtree(socket_folder(made), ignore_errors=True)


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Launched:
    """A launcher in a process of its own, as a person at a terminal starts it."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.home = home
        self.output = home / "output.txt"
        environment = {name: value for name, value in os.environ.items() if name not in SUITES_OWN}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "oms" / "launch.py"), *arguments],
                env={**environment, "OMS_HOME": str(home), "PGHOST": "host.invalid", "PGPORT": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str, seconds: float = 180) -> None:
        """Wait until the launcher has printed `text`; fails with what it printed instead."""
        end = time.monotonic() + seconds
        while text not in self.printed:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.printed}"
            assert time.monotonic() < end, f"{text!r} did not come:\n{self.printed}"
            time.sleep(0.05)

    def leave(self, number: int, seconds: float = 30) -> int:
        """Send the launcher a signal and wait for it; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def descendants(self) -> list[int]:
        """Every living process that works on this state folder, the launcher's guard left out."""
        pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
        return [pid for pid in pids if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        line = command_line(pid)
        if pid == self.process.pid or "guard.py" in line:
            return False
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        # The servers write their titles over their environment, and then show a path.
        paths = [str(self.home), *(str(socket_folder(slot)) for slot in self.home.iterdir() if slot.is_dir())]
        return f"OMS_HOME={self.home}".encode() in environment or any(path in line for path in paths)


@pytest.fixture
def launch(tmp_path: Path, state: Path) -> Iterator[Callable[..., Launched]]:
    """Start `./run`'s launcher on state of the test's own; it is gone when the test is over."""
    home = tmp_path / "home"
    home.mkdir()
    started: list[Launched] = []

    def launch_with(*arguments: str) -> Launched:
        started.append(Launched(home, *arguments))
        return started[-1]

    yield launch_with
    for launched in started:
        if launched.process.poll() is None:
            launched.leave(signal.SIGTERM)
    for slot in home.iterdir():
        shutil.rmtree(socket_folder(slot), ignore_errors=True)
