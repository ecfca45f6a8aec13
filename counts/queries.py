"""Reads of counts: what a SKU's ledger says now, what to count next, how accurate the stock was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Case, Count, F, Max, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Abs

from counts.models import StockCount, StockCountLine
from counts.rules import CLASSES, BinFacts, classify
from counts.states import UNDONE_LINES, CountState, LineState
from inventory.models import MovementReason, Reservation, StockLevel
from inventory.operations.levels import Key

#: Days of shipments by which the ABC class is told.
ABC_DAYS = 90

_NEWEST = """
    SELECT k.variant_id, k.location_id, m.id
      FROM unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
     CROSS JOIN LATERAL (
        SELECT id FROM inventory_stockmovement m
         WHERE m.variant_id = k.variant_id AND m.location_id = k.location_id ORDER BY id DESC LIMIT 1) m
"""
_SHIPPED = """
    SELECT m.variant_id, -sum(m.quantity) * coalesce(nullif(v.cost, 0), v.price)
      FROM inventory_stockmovement m JOIN inventory_variant v ON v.id = m.variant_id
     WHERE m.reason = %s AND m.bucket = 'on_hand' AND m.location_id = %s AND m.at >= %s
     GROUP BY m.variant_id, v.cost, v.price
"""


def newest_movements(keys: Iterable[Key]) -> dict[Key, int]:
    """(variant, location) → id of the newest ledger row; 0 where there is none. Final while the level's lock is held."""
    wanted = sorted(set(keys))
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [[key[0] for key in wanted], [key[1] for key in wanted]])
        found = {(row[0], row[1]): row[2] for row in cursor.fetchall()}
    return {key: found.get(key, 0) for key in wanted}


def shipped_values(location_id: int, *, now: datetime) -> dict[int, Decimal]:
    """Variant → value (cost, else price) of the units that left the location in the last 90 days, by the ledger."""
    with connection.cursor() as cursor:
        cursor.execute(_SHIPPED, [MovementReason.SHIPPED, location_id, now - timedelta(days=ABC_DAYS)])
        return {variant_id: Decimal(value) for variant_id, value in cursor.fetchall()}


def abc_classes(location_id: int, *, now: datetime) -> dict[int, str]:
    """Variant → A or B at this location; every other one is C."""
    return {pk: name for pk, name in classify(shipped_values(location_id, now=now)).items() if name != "C"}


# ---- what to count next ----------------------------------------------------------------------------------------------


def bins_of(location_id: int, *, now: datetime) -> list[BinFacts]:
    """The bins of a location that hold something, with their best class and their last posted count."""
    classes = abc_classes(location_id, now=now)
    last = last_counts(location_id, by="bin")
    bins: dict[str, list[int]] = {}
    rows = StockLevel.objects.filter(location_id=location_id, on_hand__gt=0, variant__is_bundle=False).order_by()
    best: dict[str, str] = {}
    for name, variant_id, units in rows.values_list("bin", "variant_id", "on_hand"):
        sums = bins.setdefault(name, [0, 0])
        sums[0] += 1
        sums[1] += units
        best[name] = min(best.get(name, "C"), classes.get(variant_id, "C"))
    return [BinFacts(name, skus, units, best[name], last.get(name)) for name, (skus, units) in bins.items()]


def last_counts(location_id: int, *, by: str) -> dict[str | int, datetime]:
    """Bin (or variant, by="variant_id") → when it was counted last in a count that was posted."""
    rows = StockCountLine.objects.filter(
        count__location_id=location_id, count__state=CountState.POSTED, counted_at__isnull=False
    )
    return dict(rows.order_by().values_list(by).annotate(last=Max("counted_at")).values_list(by, "last"))


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """An ABC class at a location: its SKUs on hand, how many were never counted, and the longest time since a count."""

    name: str
    skus: int
    never: int
    oldest: datetime | None


def classes_of(location_id: int, *, now: datetime) -> list[ClassFacts]:
    """The three classes at a location with the state of their counting."""
    classes = abc_classes(location_id, now=now)
    last = last_counts(location_id, by="variant_id")
    held: dict[str, list[int]] = {name: [] for name in CLASSES}
    levels = StockLevel.objects.filter(location_id=location_id, on_hand__gt=0, variant__is_bundle=False).order_by()
    for variant_id in levels.values_list("variant_id", flat=True):
        held[classes.get(variant_id, "C")].append(variant_id)
    facts = []
    for name, variants in held.items():
        counted = [last[pk] for pk in variants if pk in last]
        facts.append(ClassFacts(name, len(variants), len(variants) - len(counted), min(counted, default=None)))
    return facts


# ---- one count -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a count is. No number here tells what should be there."""

    lines: int
    done: int
    recounts: int
    bins: int

    @property
    def left(self) -> int:
        return self.lines - self.done


def progress_of(count: StockCount) -> Progress:
    """One statement."""
    sums = count.lines.aggregate(
        lines=Count("pk"),
        done=Count("pk", filter=Q(state=LineState.DONE)),
        recounts=Count("pk", filter=Q(state=LineState.RECOUNT)),
        bins=Count("bin", distinct=True),
    )
    return Progress(**sums)


@dataclass(frozen=True, slots=True)
class BinProgress:
    """A bin of a count: its lines, how many are done, how many must be counted again."""

    bin: str
    lines: int
    done: int
    recounts: int


def bins_to_count(count: StockCount) -> list[BinProgress]:
    """The bins of a count by name with their progress. One statement."""
    rows = (
        count.lines.order_by()
        .values("bin")
        .annotate(
            lines=Count("pk"),
            done=Count("pk", filter=Q(state=LineState.DONE)),
            recounts=Count("pk", filter=Q(state=LineState.RECOUNT)),
        )
        .order_by("bin")
    )
    return [BinProgress(row["bin"], row["lines"], row["done"], row["recounts"]) for row in rows]


def listed_counts() -> QuerySet[StockCount]:
    """Counts with what a row of the list shows."""
    undone = Q(lines__state__in=sorted(UNDONE_LINES))
    return StockCount.objects.select_related("location", "assigned_to").annotate(
        line_count=Count("lines"), lines_done=Count("lines", filter=~undone)
    )


@dataclass(frozen=True, slots=True)
class Differences:
    """What a count has found so far, in lines and units."""

    exact: int
    different: int
    missing: int
    net: int
    off: int


def differences(count: StockCount) -> Differences:
    """Of the lines that were counted. One statement."""
    expected = Case(When(home=True, then=F("on_hand")), default=Value(0))
    off = F("counted") - F("expected_units")
    counted = Q(counted__isnull=False)
    sums = count.lines.annotate(expected_units=expected).aggregate(
        exact=Count("pk", filter=counted & Q(counted=F("expected_units"))),
        different=Count("pk", filter=counted & ~Q(counted=F("expected_units"))),
        missing=Count("pk", filter=Q(state=LineState.DONE, counted__isnull=True, expected_units__gt=0)),
        net=Sum(off, filter=counted, default=0),
        off=Sum(Abs(off), filter=counted, default=0),
    )
    return Differences(**sums)


# ---- accuracy --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How right the stock was: lines that were exact, units and value off, net and absolute."""

    name: str
    lines: int
    exact: int
    units_net: int
    units_off: int
    value_net: Decimal
    value_off: Decimal

    @property
    def percent(self) -> Decimal:
        """Lines that were exact, in percent to a tenth."""
        return (Decimal(self.exact) * 100 / self.lines).quantize(Decimal("0.1")) if self.lines else Decimal(0)


_ACCURACY = """
    SELECT {name}, count(*), count(*) FILTER (WHERE l.difference = 0), sum(l.difference), sum(abs(l.difference)),
           sum(l.difference * l.unit_value), sum(abs(l.difference) * l.unit_value)
      FROM counts_stockcountline l JOIN counts_stockcount c ON c.id = l.count_id JOIN inventory_location p ON p.id = c.location_id
     WHERE c.state = 'posted' AND l.result <> 'left' AND c.posted_at >= %s AND c.posted_at < %s {more}
     GROUP BY {group} ORDER BY {order} {limit}
"""
#: How the figures may be grouped: (name shown, GROUP BY, ORDER BY, LIMIT).
_GROUPS = {
    "count": ("c.number", "c.id", "c.posted_at DESC, c.id DESC", "LIMIT 100"),
    "location": ("p.name", "p.id", "p.name", ""),
    "abc": ("l.abc", "l.abc", "l.abc", ""),
    "month": ("to_char(c.posted_at AT TIME ZONE {zone}, 'YYYY-MM')", "1", "1", ""),
}


def accuracy(
    by: str, *, since: datetime, until: datetime, zone: str = "UTC", location_id: int | None = None
) -> list[Accuracy]:
    """The figures of posted counts by count, location, ABC class or month (of the named zone). One statement.

    Lines that were left as they are tell nothing; refused ones count with the difference that was found.
    """
    name, group, order, limit = _GROUPS[by]
    parameters: list[object] = [since, until]
    if by == "month":
        name = name.format(zone="%s")
        parameters.insert(0, zone)
    if location_id is not None:
        parameters.append(location_id)
    statement = _ACCURACY.format(
        name=name,
        group=group,
        order=order,
        limit=limit,
        more="AND c.location_id = %s" if location_id is not None else "",
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [Accuracy(str(row[0]), *row[1:]) for row in cursor.fetchall()]


def holders_of(keys: Sequence[Key], *, limit: int = 200) -> dict[Key, list[tuple[str, int]]]:
    """(variant, location) → (owner, units) of its open reservations, oldest first."""
    held: dict[Key, list[tuple[str, int]]] = {}
    rows = Reservation.objects.filter(
        variant_id__in={key[0] for key in keys}, location_id__in={key[1] for key in keys}, quantity__gt=0
    ).order_by("created_at", "id")
    for row in rows[:limit]:
        held.setdefault((row.variant_id, row.location_id), []).append((row.owner, row.quantity))
    return held
