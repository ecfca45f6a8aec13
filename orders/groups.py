"""Lines shown under the bundles that they were sold as."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from orders.models import OrderBundle, OrderLine

Row = TypeVar("Row")


def grouped(
    rows: Iterable[Row], bundle_of: Callable[[Row], OrderBundle | None]
) -> list[tuple[OrderBundle | None, list[Row]]]:
    """Rows in their order, those of one bundle together where its first row stands; a plain row is alone, with None."""
    groups: list[tuple[OrderBundle | None, list[Row]]] = []
    seen: dict[int, list[Row]] = {}
    for row in rows:
        bundle = bundle_of(row)
        if bundle is None:
            groups.append((None, [row]))
        elif bundle.pk in seen:
            seen[bundle.pk].append(row)
        else:
            seen[bundle.pk] = [row]
            groups.append((bundle, seen[bundle.pk]))
    return groups


def bundles_in(parts: Iterable[tuple[int, OrderLine]]) -> int:
    """How many bundles these units of its lines belong to: the most that any of them tells of."""
    return max((-(-units // (line.per_bundle or 1)) for units, line in parts), default=0)
