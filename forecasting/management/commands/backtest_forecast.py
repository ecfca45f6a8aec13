"""Put the forecasts to the test on demand that is invented with a known truth, on a file, or on this shop's own."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from forecasting.limits import BACK_DAYS
from forecasting.queries import forecast_settings
from orders.queries import shop_zone

#: Column names of a plain file, and of a Shopify order export.
_COLUMNS = (("sku", "day", "units", "sku"), ("Lineitem sku", "Created at", "Lineitem quantity", "Lineitem name"))
_LEAST_SALES = 8
#: A day of more than this many units of one SKU is a slip of the file (fuel by millilitres), no demand.
_MOST_A_DAY = 10_000


class Command(BaseCommand):
    help = "Back-test the forecasts against naive and seasonal naive ones, by class. Nothing is written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--generated",
            type=int,
            metavar="N",
            help="N invented series of each kind (default: 50, unless a source is given)",
        )
        parser.add_argument("--days", type=int, default=760, help="length of the invented series (default 760)")
        parser.add_argument("--seed", type=int, default=1, help="of the invented series")
        parser.add_argument("--file", type=Path, help="CSV with sku, day, units, or a Shopify order export")
        parser.add_argument(
            "--by",
            choices=["sku", "kind", "all"],
            default="sku",
            help="series of a file: each SKU, each kind (a product's name less its last word), all together",
        )
        parser.add_argument("--most", type=int, default=1000, help="series of a file, or of the shop, of each class")
        parser.add_argument("--shop", action="store_true", help="the kept demand of this shop")
        parser.add_argument("--cuts", type=int, default=3, help="fortnights at the end that are forecast (default 3)")
        parser.add_argument("--json", action="store_true", help="as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        from forecasting.engine.candidates import LibraryMissing, library
        from forecasting.evaluation import evaluate

        try:
            library()
        except LibraryMissing:
            raise CommandError(
                "The library of forecasting models is not installed (requirements/forecast.txt)."
            ) from None
        for title, named, rates in _sources(options):
            table = evaluate(named, cuts=options["cuts"], rates=rates).as_json()
            if not table["classes"]:
                raise CommandError(f"{title}: nothing was sold often enough to be tested.")
            if options["json"]:
                self.stdout.write(json.dumps({"source": title, **table}))
            else:
                self._print(title, table)

    def _print(self, title: str, table: dict[str, Any]) -> None:
        self.stdout.write(f"\n{title}: {table['forecasts']} forecasts, {table['cpu_seconds']} s of CPU\n")
        measures = [("MASE", "mase"), ("RMSSE", "rmsse"), ("loss", "pinball")]
        if "truth" in table["classes"][0]:
            measures.append(("off the truth", "truth"))
        head = ["class", "series", "forecasts"]
        for word, _key in measures:
            head += [f"{word}: ours", "s. naive", "naive"]
        head += ["within P50", "within P90"]
        self.stdout.write("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
        for row in table["classes"]:
            cells = [row["class"], str(row["series"]), str(row["forecasts"])]
            for _word, key in measures:
                cells += [f"{row[key][rival]:.2f}" for rival in ("ours", "seasonal_naive", "naive")]
            cells += [f"{row[share] * 100:.0f} %" for share in ("coverage_p50", "coverage_p90")]
            self.stdout.write("| " + " | ".join(cells) + " |")
        for row in table["classes"]:
            chosen = ", ".join(f"{model} {count}" for model, count in row["models"].items())
            self.stdout.write(f"{row['class']}: {chosen}")


def _sources(options: dict[str, Any]) -> list[tuple[str, list[tuple[str, Any]], Any]]:
    """(title, series by class, their true means where they are known)."""
    from forecasting.truth import KINDS, generate

    sources: list[tuple[str, list[tuple[str, Any]], Any]] = []
    count = options["generated"] or (0 if options["file"] or options["shop"] else 50)
    if count:
        made = [
            generate(kind, days=options["days"], seed=options["seed"] * 100_000 + n)
            for kind in KINDS
            for n in range(count)
        ]
        title = f"invented, {count} of each kind over {options['days']} days"
        sources.append((title, [(truth.kind, truth.series) for truth in made], [truth.rate for truth in made]))
    if options["file"]:
        sources.append(
            (
                f"{options['file'].name} by {options['by']}",
                _limited(_of_file(options["file"], options["by"]), options["most"]),
                None,
            )
        )
    if options["shop"]:
        sources.append(("this shop", _limited(_of_shop(), options["most"]), None))
    return sources


def _limited(series: list[Any], most: int) -> list[tuple[str, Any]]:
    """At most so many of each speed; the class is told at each cut anew."""
    from forecasting.engine.backtest import speed_at

    counts: dict[str, int] = defaultdict(int)
    named = []
    for one in series:
        counts[speed_at(one)] += 1
        if counts[speed_at(one)] <= most:
            named.append(("", one))
    return named


def _of_file(path: Path, by: str) -> list[Any]:
    """Series of a file up to its last day, in an order that has nothing to do with what they sell."""
    import hashlib

    units: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        names = next((names for names in _COLUMNS if set(names) <= set(rows.fieldnames or ())), None)
        if names is None:
            raise CommandError(
                f"{path.name} has neither the columns {_COLUMNS[0][:3]} nor those of a Shopify order export."
            )
        sku, day, quantity, name = names
        placed = ""
        for row in rows:
            placed = row[day] or placed  # later lines of an order leave its columns empty
            if row[sku] and row[quantity]:
                key = {"sku": row[sku], "kind": row[name].rpartition(" ")[0], "all": "all"}[by]
                units[key][date.fromisoformat(placed[:10])] += int(row[quantity])
    last = max(max(days) for days in units.values())
    chosen = [days for key, days in sorted(units.items(), key=lambda item: hashlib.sha256(item[0].encode()).digest())
              if len(days) >= _LEAST_SALES and max(days.values()) <= _MOST_A_DAY]  # fmt: skip
    return [_series(days, last) for days in chosen]


def _series(units: dict[date, int], last: date) -> Any:
    import numpy as np

    from forecasting.engine.series import Series

    first = min(units)
    array = np.zeros((last - first).days + 1)
    for day, count in units.items():
        array[(day - first).days] = count
    return Series(first, array, np.ones(len(array), dtype=bool))


def _of_shop() -> list[Any]:
    from forecasting.history import load_histories, variants_sample

    today = timezone.now().astimezone(shop_zone()).date()
    ids = variants_sample(10_000, since=today - timedelta(days=BACK_DAYS), seed="")
    return [
        history.total
        for start in range(0, len(ids), 500)
        for history in load_histories(ids[start : start + 500], today=today, settings=forecast_settings())
    ]
