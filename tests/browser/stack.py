"""The whole system around a test: gunicorn, a Celery worker and beat as processes of their own, on the test's database.

Each test process has Redis databases of its own, so that parallel tests do not work on each other's jobs.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parents[2]
#: Redis databases of the test processes: each has one for the cache and one for the broker (the server has 64).
FIRST_DATABASE = 16


def test_process() -> int:
    """The number of this test process: 0 when tests do not run in parallel."""
    return int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % 20


def database_url() -> str:
    """The test database, for other processes."""
    return make_conninfo(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"])


def redis_urls(base: str = "", broker: str = "") -> dict[str, str]:
    """REDIS_URL and CELERY_BROKER_URL of this test process alone."""
    number = FIRST_DATABASE + 2 * test_process()
    base = base or os.environ["REDIS_URL"]
    broker = broker or os.environ.get("CELERY_BROKER_URL", base)
    return {"REDIS_URL": _numbered(base, number), "CELERY_BROKER_URL": _numbered(broker, number + 1)}


def _numbered(url: str, number: int) -> str:
    if "virtual_host=" in url:
        return re.sub(r"virtual_host=\d+", f"virtual_host={number}", url)
    if "db=" in url:
        return re.sub(r"db=\d+", f"db={number}", url)
    return re.sub(r"/\d*$", "", url) + f"/{number}"


def wait_for(what: str, check: Callable[[], Any], seconds: float = 30.0, pause: float = 0.1) -> Any:
    """The first true answer of `check`; AssertionError that names what was waited for."""
    end = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(pause)


@dataclass
class Stack:
    """Programs of the system. `folder` takes their logs and files; `extra` is added to their environment."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "DATABASE_URL": database_url(),
            "OMS_ENV": "test",
            "OMS_STATE": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "oms.settings",
            "WEB_CONCURRENCY": "1",
            "OMS_WEB_THREADS": "6",
            "OMS_PUBLIC_URL": self.url,
            "PYTHONUNBUFFERED": "1",
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
        return inherited | redis_urls() | own | self.extra

    def start_web(self) -> None:
        """gunicorn on a free port of the loopback interface; ready when it answers."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        listener.set_inheritable(True)
        self.port = listener.getsockname()[1]
        self._start(
            "web",
            "-m",
            "gunicorn",
            "--bind",
            f"fd://{listener.fileno()}",
            "tests.browser.served:application",
            fds=(listener.fileno(),),
        )
        listener.close()
        wait_for("the web server", self._answers, 60)

    def _answers(self) -> bool:
        assert self.processes["web"].poll() is None, self.log("web")
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def start_worker(self, *, beat: bool = True, name: str = "worker", concurrency: int = 1) -> None:
        """A Celery worker, with beat inside unless told otherwise; ready when it says so."""
        options = [
            "--loglevel=INFO",
            f"--concurrency={concurrency}",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "-n",
            name,
        ]
        if beat:
            options += ["-B", "-s", str(self.folder / "schedule")]
        self._start(name, "-m", "celery", "-A", "oms", "worker", *options)
        wait_for("the worker", lambda: " ready." in self.log(name), 60)

    def _start(self, name: str, *command: str, fds: tuple[int, ...] = ()) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, pass_fds=fds, start_new_session=True,
        )  # fmt: skip
        log.close()

    def log(self, name: str) -> str:
        """What a program has said so far."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, name: str) -> None:
        """SIGKILL to a program and all its children: no handler runs, nothing is tidied up."""
        process = self.processes.pop(name)
        self._signal(process, signal.SIGKILL)
        process.wait(10)

    def stop(self) -> None:
        """End everything, politely first."""
        for process in self.processes.values():
            self._signal(process, signal.SIGTERM)
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(8)
            self._signal(process, signal.SIGKILL)
            process.wait(5)
        self.processes.clear()

    @staticmethod
    def _signal(process: subprocess.Popen[bytes], number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def forget_queue() -> None:
    """Empty this test process's own Redis databases, and no other."""
    from redis import Redis

    urls = redis_urls()
    number = FIRST_DATABASE + 2 * test_process()
    for at in (number, number + 1):
        client = Redis.from_url(_numbered(urls["REDIS_URL"], at))
        client.flushdb()
        client.close()


def send(task: str, *args: Any) -> bool:
    """Ring for this test process's own worker (CELERY_BROKER_URL of the environment is everybody's)."""
    from celery import current_app
    from kombu import Connection

    with Connection(redis_urls()["CELERY_BROKER_URL"]) as broker:
        current_app.send_task(task, args=args, connection=broker, ignore_result=True)
    return True
