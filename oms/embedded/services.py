"""The two servers of one state folder, shared by every launcher that uses it: the last one out turns off the lights.

Two lock files do it. `services.lock` is held while servers are started or stopped. `users.lock` is held, shared, by every
launcher that uses them, so whoever gets it exclusively knows that nobody does. The kernel lets go of both when a launcher
dies.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import TracebackType
from typing import IO

from oms.embedded.errors import EmbeddedError
from oms.embedded.guard import Guard, Watched
from oms.embedded.postgres import DEMO, Postgres, Profile
from oms.embedded.processes import locked
from oms.embedded.valkey import Valkey


class Services:
    """A context in which the servers run; those given by URL are used as they are and never started or stopped."""

    def __init__(
        self, state: Path, guard: Guard, profile: Profile = DEMO, *, database_url: str = "", redis_url: str = ""
    ) -> None:
        self.state, self.guard = state, guard
        self.database_url, self.redis_url = database_url, redis_url
        state.mkdir(parents=True, exist_ok=True)
        self.postgres = None if database_url else Postgres(state, profile)
        self.valkey = None if redis_url else Valkey(state, profile)
        self._users: IO[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """DATABASE_URL, REDIS_URL and CELERY_BROKER_URL of the servers that run here."""
        variables = {"DATABASE_URL": self.postgres.url if self.postgres else self.database_url}
        if self.valkey:
            return variables | {"REDIS_URL": self.valkey.url, "CELERY_BROKER_URL": self.valkey.broker_url}
        return variables | {"REDIS_URL": self.redis_url}

    def __enter__(self) -> Services:
        with locked(self.state / "services.lock"):
            self._users = (self.state / "users.lock").open("a")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with locked(self.state / "services.lock"):
            if self._last_user():
                for server in self._servers():
                    server.stop()
            self._forget()
            if self._users:
                self._users.close()

    def revive(self) -> list[str]:
        """Start again what has died; returns the names of the servers concerned."""
        dead = [server for server in self._servers() if server.pid is None]
        if dead:
            with locked(self.state / "services.lock"):
                self._start()
        return [server.name for server in dead]

    def reset(self) -> None:
        """Delete all data. Raises EmbeddedError when another launcher uses it or it is not ours to delete."""
        if self.database_url:
            raise EmbeddedError("The database of DATABASE_URL is not deleted from here.")
        with locked(self.state / "services.lock"), (self.state / "users.lock").open("a") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EmbeddedError("The data is in use by another ./run; stop that first.") from None
            for server in self._servers():
                server.stop()
                server.wipe()

    def _servers(self) -> list[Postgres | Valkey]:
        return [server for server in (self.postgres, self.valkey) if server]

    def _start(self) -> None:
        users = str((self.state / "users.lock").absolute())
        for server in self._servers():
            self.guard.watch(
                Watched(server.name, pid_file=str(server.pid_file), signal=server.polite_signal, unless_used=users)
            )
            server.start()

    def _forget(self) -> None:
        for server in self._servers():
            self.guard.forget(server.name)

    def _last_user(self) -> bool:
        if self._users is None:
            return False
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
