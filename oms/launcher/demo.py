"""`./run`: the demo shop with web server, Celery worker and beat, looked after until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from oms.embedded import EmbeddedError, Guard, Services
from oms.embedded.guard import Watched, stop
from oms.embedded.processes import command_line, exclusive, tail, wait_until
from oms.launcher.stamps import Stamp, fingerprint

HOST = "127.0.0.1"
READY_SECONDS = 120.0
LOG_LIMIT = 10_000_000  # bytes after which a log starts anew
RESTARTS = 5  # within RESTART_WINDOW, before a program that keeps dying is given up
RESTART_WINDOW = 60.0


def parse_options(arguments: list[str]) -> argparse.Namespace:
    """The options of `./run`; exits with a message when they are wrong."""
    parser = argparse.ArgumentParser(prog="./run", description="Start the demo shop.", allow_abbrev=False)
    parser.add_argument(
        "--port", type=_port, default=_port(os.environ.get("PORT") or "8000"), help="port on 127.0.0.1 (8000)"
    )
    parser.add_argument("--orders", type=_count, default=None, metavar="N", help="how many demo orders to make")
    parser.add_argument("--reset", action="store_true", help="delete the demo's data first")
    return parser.parse_args(arguments)


@dataclass
class Program:
    """A program of the demo: how it is started, and when that was done."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: list[float] = field(default_factory=list)

    def keeps_dying(self) -> bool:
        """Whether it was started so often of late that there is no point in trying again."""
        recent = [moment for moment in self.started if moment > time.monotonic() - RESTART_WINDOW]
        return len(recent) > RESTARTS


class Demo:
    """One run of the demo in one state folder."""

    def __init__(
        self,
        root: Path,
        state: Path,
        options: argparse.Namespace,
        make_environment: Callable[[Services], dict[str, str]],
    ) -> None:
        self.root, self.state, self.options, self.make_environment = root, state, options, make_environment
        self.logs = state / "log"
        self.address = f"http://{HOST}:{options.port}"
        self.environment: dict[str, str] = {}
        self.programs: list[Program] = []
        self.leaving = threading.Event()
        self.trouble = ""
        self.note: IO[str] | None = None

    def run(self, guard: Guard, services: Services) -> int:
        """Everything from the free port to the last process stopped; returns the exit code."""
        began = time.monotonic()
        refusal = "The demo already runs ({note}). Stop it with Ctrl-C where it was started, or set OMS_SLOT for a second one."
        with exclusive(self.state / "demo.lock", refusal) as note:
            note.seek(0)
            self._sweep(note.read())
            self.note = note
            self._write_note()
            with contextlib.closing(listen(self.options.port)) as listener:
                self._leave_on_signals()
                if self.options.reset:
                    services.reset()
                with services:
                    self.environment = self._environment(services)
                    welcome = self._set_up(guard)
                    try:
                        self._start_programs(guard, listener)
                        self._wait_for_the_web()
                        self._greet(welcome, time.monotonic() - began)
                        self._look_after(guard, services, listener)
                    finally:
                        self._stop_programs(guard)
            self._write_note(left=True)
        if self.trouble:
            raise EmbeddedError(self.trouble)
        return 0

    def _environment(self, services: Services) -> dict[str, str]:
        made = self.make_environment(services)
        made.setdefault("OMS_PUBLIC_URL", self.address)
        return made

    def _leave_on_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.leaving.set())

    def _set_up(self, guard: Guard) -> str:
        """Migrate, fill and collect in one process, unless nothing has changed; returns what the person is to be told."""
        stamp = self._setup_stamp()
        if stamp.is_current():
            return stamp.printed()
        _say("Preparing the demo shop …")
        orders = [] if self.options.orders is None else ["--orders", str(self.options.orders)]
        command = [sys.executable, str(self.root / "manage.py"), "setup_demo", *orders]
        printed = self.state / "welcome.txt"
        with printed.open("wb") as output:
            setup = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=output)
        guard.watch_process("setup", setup.pid)
        while setup.poll() is None:
            if self.leaving.wait(0.05):
                setup.terminate()
                setup.wait()
                raise KeyboardInterrupt
        guard.forget("setup")
        if setup.returncode:
            raise EmbeddedError("The demo shop could not be prepared (see above).")
        stamp.write(printed.read_text())
        return printed.read_text()

    def _setup_stamp(self) -> Stamp:
        also = f"{self.options.orders} {self.environment.get('OMS_PUBLIC_URL')} {self.environment.get('DATABASE_URL')}"
        packages = (found.parent.name for found in self.root.glob("*/__init__.py") if found.parent.name != "tests")
        sources = (*(f"{package}/**/*.py" for package in packages), "static/**/*", "requirements/demo.txt")
        return Stamp(self.state / "setup.stamp", fingerprint(self.root, *sources, also=also))

    def _start_programs(self, guard: Guard, listener: socket.socket) -> None:
        python = [sys.executable, "-m"]
        celery = [*python, "celery", "-A", "oms"]
        schedule = str(self.state / "beat-schedule")
        self.programs = [
            Program("web", [*python, "gunicorn", "--bind", f"fd://{listener.fileno()}", "oms.wsgi"]),
            Program(
                "worker",
                [*celery, "worker", "--loglevel=INFO", "--concurrency=2", "--without-gossip", "--without-mingle"],
            ),
            Program("beat", [*celery, "beat", "--loglevel=WARNING", "--pidfile=", f"--schedule={schedule}"]),
        ]
        for program in self.programs:
            self._start(program, guard, listener)

    def _start(self, program: Program, guard: Guard, listener: socket.socket) -> None:
        log = self.logs / f"{program.name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.unlink()
        with log.open("ab") as file:
            program.process = subprocess.Popen(
                program.command,
                cwd=self.root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C is the launcher's, which stops them in order
                pass_fds=[listener.fileno()] if program.name == "web" else [],
            )
        program.started.append(time.monotonic())
        guard.watch_process(program.name, program.process.pid, group=True)
        self._write_note()

    def _wait_for_the_web(self) -> None:
        web = self.programs[0]

        def answers_or_died() -> bool:
            return (
                self.leaving.is_set()
                or web.process is None
                or web.process.poll() is not None
                or _answers(self.options.port)
            )

        wait_until(answers_or_died, READY_SECONDS, every=0.05)
        if self.leaving.is_set():
            raise KeyboardInterrupt
        if not _answers(self.options.port):
            raise EmbeddedError(
                f"The web server did not start. The end of {self.logs / 'web.log'}:\n{tail(self.logs / 'web.log')}"
            )

    def _greet(self, welcome: str, seconds: float) -> None:
        told = welcome.strip("\n")
        text = f"\nOMS is ready on {self.address}  ({seconds:.1f} s)\n\n{told}\n\nLogs: {self.logs}\nCtrl-C stops everything."
        print(text, flush=True)

    def _look_after(self, guard: Guard, services: Services, listener: socket.socket) -> None:
        """Start again what dies, until it is time to leave or something keeps dying."""
        while not self.leaving.wait(1.0):
            for name in services.revive():
                _say(f"{name} had ended and was started again.")
            for program in self.programs:
                if program.process is None or program.process.poll() is None:
                    continue
                if program.keeps_dying():
                    log = self.logs / f"{program.name}.log"
                    self.trouble = f"The {program.name} keeps ending. The end of {log}:\n{tail(log)}"
                    return
                _say(f"The {program.name} had ended ({program.process.returncode}) and was started again.")
                stop([Watched(program.name, program.process.pid, group=True)], patience=1)  # its orphaned children
                self._start(program, guard, listener)

    def _stop_programs(self, guard: Guard) -> None:
        if not self.trouble:
            _say("Stopping …")
        running = [found for found in self.programs if found.process]
        stop([Watched(found.name, found.process.pid, group=True) for found in running if found.process])
        for program in running:
            guard.forget(program.name)

    def _write_note(self, left: bool = False) -> None:
        """Leave the address for whoever finds the demo running, and the processes for `_sweep`."""
        if self.note:
            pids = " ".join(str(program.process.pid) for program in self.programs if program.process)
            self.note.seek(0)
            self.note.truncate()
            self.note.write("" if left else f"{self.address}\n{pids}")
            self.note.flush()

    def _sweep(self, note: str) -> None:
        """Stop what an earlier run left, should both it and its guard have been killed."""
        pids = [int(word) for word in note.split()[1:]]
        ours = [pid for pid in pids if str(self.root) in command_line(pid) or sys.executable in command_line(pid)]
        stop([Watched(str(pid), pid, group=True) for pid in ours])


def listen(port: int) -> socket.socket:
    """A listening socket, so that the port is ours before anything starts. Raises EmbeddedError when it is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise EmbeddedError(
            f"Port {port} of {HOST} cannot be used ({error.strerror}). Choose another: ./run --port {port + 1}"
        ) from None
    return listener


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _port(word: str) -> int:
    if not word.isdigit() or not 0 < int(word) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {word!r}")
    return int(word)


def _count(word: str) -> int:
    if not word.isdigit():
        raise argparse.ArgumentTypeError(f"a whole number, not {word!r}")
    return int(word)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
