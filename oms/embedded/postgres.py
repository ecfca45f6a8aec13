"""PostgreSQL as a child of the launcher: unix socket only, data in a folder of its own, any number side by side."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from oms.embedded.account import Account, data_folder, reachable_programs
from oms.embedded.errors import EmbeddedError
from oms.embedded.guard import is_alive, is_zombie
from oms.embedded.processes import socket_folder, tail, wait_until
from oms.embedded.programs import find_postgres_bin

PORT = 5432  # only the name of the socket: nothing listens on the network
ROLE = "oms"
START_SECONDS = 120.0  # crash recovery of a big database takes its time
LOG_LIMIT = 10_000_000  # bytes after which a server log starts anew
CRASH_PATIENCE = 15.0  # seconds for the children of a killed postmaster to leave
ZOMBIE_PATIENCE = 5.0  # seconds to wait for a dead postmaster to be reaped

COMMON_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "60",
    "wal_level": "minimal",  # no replication here, so bulk loads may skip the log
    "max_wal_senders": "0",
    "random_page_cost": "1.1",  # solid state storage
    "effective_io_concurrency": "64",
    "jit": "off",  # compiling costs more than these short queries
    "checkpoint_completion_target": "0.9",
    "track_io_timing": "on",
}


@dataclass(frozen=True)
class Profile:
    """How a server is tuned. `throwaway`: its data can be lost, so it may skip every flush to disk."""

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    throwaway: bool = False


def _megabytes(share_of_memory: float, most: int) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return f"{max(64, min(most, int(memory * share_of_memory)))}MB"


DEMO = Profile(
    "demo",
    {
        "shared_buffers": _megabytes(1 / 8, 256),
        "effective_cache_size": _megabytes(1 / 2, 8192),
        "work_mem": "16MB",
        "maintenance_work_mem": _megabytes(1 / 16, 256),
        "max_wal_size": "2GB",
    },
)
BENCH = Profile(
    "bench",
    {**DEMO.settings, "max_connections": "160", "shared_buffers": _megabytes(1 / 8, 1024), "max_wal_size": "4GB"},
)
TEST = Profile(
    "test",
    {
        **DEMO.settings,
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "max_connections": "260",
        "checkpoint_timeout": "1h",
    },
    throwaway=True,
)


class Postgres:
    """One server and its database `oms`. The caller serialises `start` and `stop` (see services.Services)."""

    name = "PostgreSQL"
    polite_signal = signal.SIGINT  # "fast": open transactions are rolled back

    def __init__(self, state: Path, profile: Profile = DEMO, *, database: str = "oms") -> None:
        self.state, self.profile, self.database = state, profile, database
        self.data = data_folder(state)
        self.account = Account.choose(self.data)
        self.pid_file = self.data / "postmaster.pid"
        self.log = state / "log" / "postgres.log"
        self.sockets = socket_folder(state)
        self.programs: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """libpq's URL of the database."""
        return f"postgresql://{ROLE}@{quote(str(self.sockets), safe='')}:{PORT}/{self.database}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, from its own file; None when it is not running."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(self.pid_file.read_text().split()[0])
            if pid > 0 and is_alive(pid):  # a single-user server, as initdb runs it, writes a negative number
                return pid
        return None

    def is_running(self) -> bool:
        """Whether the server takes connections."""
        if self.pid is None or not (self.sockets / f".s.PGSQL.{PORT}").exists():
            return False
        with contextlib.suppress(OSError, IndexError):
            return self.pid_file.read_text().splitlines()[7].strip() == "ready"
        return False

    def start(self) -> None:
        """Make the data folder if needed, start the server, make the database if needed. Raises EmbeddedError."""
        if self.is_running():
            return
        self._prepare()
        try:
            self._start_server()
        except EmbeddedError:
            if not self.profile.throwaway:
                raise
            self.wipe()  # test data has no flushes to rely on: after a crash of the machine it is made anew
            self._prepare()
            self._start_server()
        self._make_database()

    def stop(self, seconds: float = 30.0) -> None:
        """Shut down cleanly; connections that are still open are cut."""
        pid = self.pid
        if pid is None:
            self._reap()
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, self.polite_signal)
        if not wait_until(lambda: not self._still_there(pid), seconds):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
            wait_until(lambda: not self._still_there(pid), 5)

    def wipe(self) -> None:
        """Delete the database files. The server must be stopped."""
        shutil.rmtree(self.data, ignore_errors=True)

    def _prepare(self) -> None:
        self.programs = reachable_programs(find_postgres_bin(), self.account)
        self.account.give(self.sockets)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.unlink()
        version = self.data / "PG_VERSION"
        if not version.exists():
            self._initialise()
        elif int(version.read_text()) != self._major_version():
            raise EmbeddedError(
                f"The data in {self.data} is of PostgreSQL {version.read_text().strip()}, the programs in {self.programs} "
                f"are {self._major_version()}. Set OMS_PG_BIN to programs of the old version, or start afresh with --reset."
            )

    def _initialise(self) -> None:
        self.wipe()  # an initdb that was cut off leaves half a folder
        for stamp in self.state.glob("*.stamp"):  # what was prepared in a former database is not in this one
            stamp.unlink()
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(mode=0o700)
        self.account.give(self.data)
        options = ["-U", ROLE, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions"]
        if self._major_version() >= 17:  # the same order of text on every machine, with Unicode upper and lower case
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run("initdb", "-D", str(self.data), *options, "--no-sync")

    def _start_server(self) -> None:
        settings = COMMON_SETTINGS | self.profile.settings | {"unix_socket_directories": str(self.sockets)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        patience = time.monotonic() + CRASH_PATIENCE
        while True:
            self._clear_dead_postmaster()
            server = self._spawn(options)
            wait_until(functools.partial(self._is_settled, server), START_SECONDS)
            if self.is_running():
                return
            server.kill()
            server.wait()
            # Children of a killed postmaster need a moment to notice; until then its shared memory is in use.
            if "pre-existing shared memory block" not in tail(self.log, 800) or time.monotonic() > patience:
                raise EmbeddedError(f"PostgreSQL did not start. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.2)

    def _spawn(self, options: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._program("postgres")), "-D", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the launcher's, which stops the server last
                **self._process_options(),
            )
        return self._process

    def _is_settled(self, server: subprocess.Popen[bytes]) -> bool:
        return self.is_running() or server.poll() is not None

    def _make_database(self) -> None:
        connection = ("-h", str(self.sockets), "-p", str(PORT), "-U", ROLE)
        query = f"select count(*) from pg_database where datname = '{self.database}'"  # noqa: S608 - our own constant
        if self._run("psql", *connection, "-d", "postgres", "-XAtc", query).strip() == "0":
            self._run("createdb", *connection, self.database)

    def _clear_dead_postmaster(self) -> None:
        """Drop the pid file of a postmaster that died without being reaped.

        PostgreSQL itself clears the file of a process that is gone. A zombie still answers to signals, so PostgreSQL takes
        it for alive and refuses to start; in a container without an init it would stay for ever.
        """
        try:
            pid = int(self.pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        self._reap()
        if not wait_until(lambda: not is_zombie(pid), ZOMBIE_PATIENCE):
            self.pid_file.unlink(missing_ok=True)

    def _reap(self) -> None:
        if self._process:
            self._process.poll()

    def _still_there(self, pid: int) -> bool:
        if self._process and self._process.pid == pid:
            return self._process.poll() is None  # which also reaps it
        return is_alive(pid)

    def _major_version(self) -> int:
        words = self._run("postgres", "--version").split()
        return int(words[2].split(".")[0])

    def _run(self, name: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs; returns what it printed. Raises EmbeddedError when it fails."""
        with tempfile.TemporaryFile("w+") as printed:
            done = subprocess.run(
                [str(self._program(name)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                check=False,
                **self._process_options(),
            )
            printed.seek(0)
            text = printed.read()
        if done.returncode:
            raise EmbeddedError(f"{name} failed:\n{text}{tail(self.log)}")
        return text

    def _process_options(self) -> dict[str, Any]:
        # Nothing of the caller's PGHOST, PGOPTIONS, … reaches the server or its tools.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {"cwd": "/", "env": {**clean, "LC_ALL": "C"}, **self.account.popen_options}

    def _program(self, name: str) -> Path:
        if self.programs is None:
            self.programs = reachable_programs(find_postgres_bin(), self.account)
        return self.programs / name
