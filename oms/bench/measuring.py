"""CPU time of this process and of PostgreSQL together: the steady figure on shared machines. Wall time stands beside it."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Figure:
    """What one operation cost. Times in milliseconds an operation; ratio is CPU to that of the raw baseline of the same run."""

    name: str
    operations: int
    cpu_ms: float
    server_ms: float
    postgres_ms: float | None
    wall_p50_ms: float | None = None
    wall_p95_ms: float | None = None
    raw_ms: float | None = None
    ratio: float | None = None
    note: str = ""

    def against(self, raw: Figure) -> Figure:
        """The same figure with the raw baseline beside it."""
        self.raw_ms = raw.cpu_ms
        self.ratio = round(self.cpu_ms / raw.cpu_ms, 2) if raw.cpu_ms else None
        return self

    def as_json(self) -> dict[str, Any]:
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}


class PostgresCpu:
    """CPU seconds of the server and all its processes, those that have ended too; None where /proc does not tell (macOS, remote)."""

    def __init__(self) -> None:
        self.postmaster: int | None = None
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = Path(f"/proc/{cursor.fetchone()[0]}/stat")
        if backend.exists() and "postgres" in backend.read_text():
            self.postmaster = int(_stat(backend)[1])

    def seconds(self) -> float | None:
        """CPU seconds so far."""
        if self.postmaster is None:
            return None
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = _stat(path)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(path.parent.name) == self.postmaster:
                ticks += sum(int(field) for field in fields[11:15])  # utime, stime and those of ended children
            elif int(fields[1]) == self.postmaster:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK


def _stat(path: Path) -> list[str]:
    """Fields of /proc/PID/stat after the name: state, ppid, … (proc(5))."""
    return path.read_text().rpartition(")")[2].split()


def _server_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    mine, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def pace() -> float:
    """CPU milliseconds of a fixed piece of Python (a million additions): tells how fast this machine is just now."""
    start = time.process_time()
    total = 0
    for n in range(1_000_000):
        total += n * n
    return (time.process_time() - start) * 1000


class Meter:
    """Runs operations and answers what one of them cost."""

    def __init__(self) -> None:
        self.postgres = PostgresCpu()

    def run(self, name: str, operations: Iterable[Callable[[], Any]], *, per_call: int = 1, note: str = "") -> Figure:
        """Call each operation once. per_call: how many orders (rows, pages) one call stands for."""
        walls: list[float] = []
        with self._cpu() as spent:
            for operation in operations:
                start = time.perf_counter()
                operation()
                walls.append((time.perf_counter() - start) * 1000 / per_call)
        count = len(walls) * per_call
        server, postgres = spent
        return Figure(
            name,
            count,
            (server + (postgres or 0)) * 1000 / count,
            server * 1000 / count,
            None if postgres is None else postgres * 1000 / count,
            statistics.median(walls),
            statistics.quantiles(walls, n=20)[-1] if len(walls) > 1 else walls[0],
            note=note,
        )

    @contextmanager
    def _cpu(self) -> Iterator[list[Any]]:
        spent: list[Any] = []
        server, postgres = _server_seconds(), self.postgres.seconds()
        yield spent
        after = self.postgres.seconds()
        spent += [_server_seconds() - server, None if postgres is None or after is None else after - postgres]


def repeat(operation: Callable[[], Any], times: int) -> list[Callable[[], Any]]:
    """The same operation several times, after one to warm up."""
    operation()
    return [operation] * times
