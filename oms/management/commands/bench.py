"""Measure what operations cost."""

from __future__ import annotations

import json
import platform
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from oms.bench.choosing import bench_routing
from oms.bench.forecasting import bench_forecast
from oms.bench.measuring import Figure, Meter, pace
from oms.bench.pages import bench_detail, bench_list, bench_search
from oms.bench.printing import bench_labels
from oms.bench.racing import bench_contention
from oms.bench.stock import bench_stock
from oms.bench.writing import bench_ingest, bench_place

#: name → (function, default size, what size means)
BENCHES = {
    "ingest": (bench_ingest, 5000, "orders"),
    "place": (bench_place, 200, "orders"),
    "list": (bench_list, 100_000, "orders in the database"),
    "detail": (bench_detail, 100_000, "orders in the database"),
    "search": (bench_search, 100_000, "orders in the database"),
    "contention": (bench_contention, 0, "not used"),
    "routing": (bench_routing, 0, "not used"),
    "labels": (bench_labels, 200, "parcels"),
    "stock": (bench_stock, 100_000, "variants at 20 locations"),
    "forecast": (bench_forecast, 1000, "variants at 2 locations"),
}


class Command(BaseCommand):
    help = "Measure CPU time per operation (server and PostgreSQL together), wall time, and the ratio to plain SQL in the same run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=[*BENCHES, "all"])
        parser.add_argument("--size", type=int, help="how much data (default depends on the benchmark)")
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("Benchmarks make data of their own: not in production.")
        names = list(BENCHES) if options["name"] == "all" else [options["name"]]
        call_command("collectstatic", interactive=False, verbosity=0)
        figures: list[Figure] = []
        paces: list[float] = []
        for name in names:
            bench, size, _meaning = BENCHES[name]
            chosen = options["size"] or size
            if chosen < 0 or chosen > 5_000_000:
                raise CommandError("--size lies between 1 and 5,000,000.")
            before = pace()
            found = bench(Meter(), chosen, timezone.now())
            figures += found
            paces.append(min(before, pace()))
            if not options["json"]:
                self._print(found)
                self.stdout.write(f"pace of this machine: a million additions in Python took {paces[-1]:.0f} ms\n")
        if options["json"]:
            machine = {
                "python": platform.python_version(),
                "machine": platform.machine(),
                "pace_ms": [round(p, 1) for p in paces],
            }
            self.stdout.write(
                json.dumps({"machine": machine, "figures": [figure.as_json() for figure in figures]}, indent=2)
            )

    def _print(self, figures: list[Figure]) -> None:
        self.stdout.write(
            f"{'':52}{'CPU ms':>9}{'server':>9}{'postgres':>9}{'p50 ms':>9}{'p95 ms':>9}{'raw ms':>9}{'ratio':>7}"
        )
        for f in figures:
            cells = [f.cpu_ms, f.server_ms, f.postgres_ms, f.wall_p50_ms, f.wall_p95_ms, f.raw_ms]
            numbers = "".join(f"{'-' if cell is None else format(cell, '.3f'):>9}" for cell in cells)
            self.stdout.write(f"{f.name:52}{numbers}{'-' if f.ratio is None else format(f.ratio, '.1f'):>7}  {f.note}")
