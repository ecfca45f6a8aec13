"""Where an address is, well enough to tell which location is nearest: postal area, else city, else unknown."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from core.addresses import Address, postal_key
from core.text import fold

Point = tuple[float, float]
_LONGEST_PREFIX = 6
_MOST_KEPT = 50_000
_known: dict[tuple[str, str, str], Point] = {}

_POSTAL = """
    SELECT DISTINCT ON (w.n) w.n, a.latitude, a.longitude
      FROM unnest(%s::int[], %s::text[], %s::text[]) AS w (n, country, prefix)
      JOIN core_postalarea a ON a.country = w.country AND a.prefix = w.prefix
     ORDER BY w.n, length(w.prefix) DESC
"""
_CITY = """
    SELECT w.n, p.latitude, p.longitude
      FROM unnest(%s::int[], %s::text[], %s::text[]) AS w (n, country, key)
      JOIN core_place p ON p.country = w.country AND p.key = w.key
"""


def locate(addresses: Sequence[Address]) -> list[Point | None]:
    """(latitude, longitude) in degrees of each address, or None where nothing fits. At most two SQL statements."""
    keys = [(a.country, postal_key(a.postal_code)[:12], fold(a.city)[:100]) for a in addresses]
    missing = list(dict.fromkeys(key for key in keys if key[0] and key not in _known))
    if missing:
        _look_up(missing)
    return [_known.get(key) for key in keys]


def _look_up(keys: list[tuple[str, str, str]]) -> None:
    if len(_known) > _MOST_KEPT:
        _known.clear()
    prefixes = [
        (n, key[0], key[1][:size])
        for n, key in enumerate(keys)
        for size in range(1, min(len(key[1]), _LONGEST_PREFIX) + 1)
    ]
    cities = [(n, key[0], key[2]) for n, key in enumerate(keys) if key[2]]
    with connection.cursor() as cursor:
        for statement, rows in ((_CITY, cities), (_POSTAL, prefixes)):  # the later, more exact answer wins
            if rows:
                cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
                for n, latitude, longitude in cursor.fetchall():
                    _known[keys[n]] = (latitude, longitude)
