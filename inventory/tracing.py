"""Reads of lots and serial numbers: what lies where, what to take next, what needs attention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from inventory.models import Lot, LotLevel, SerialNumber, Tracking
from inventory.operations.lot_keeping import is_spent, local_days

Key = tuple[int, int]
#: Lots that expire within so many days stand in the list's warning tab.
EXPIRING_WITHIN = 30


@dataclass(frozen=True, slots=True)
class ToTake:
    """Units of a lot that a picker takes next."""

    code: str
    expires_on: date | None
    units: int


def listed_lots() -> QuerySet[Lot]:
    """Lots with a code, or units: each with `on_hand`, `set_aside`, `picked` and `free` over all locations."""
    levels = LotLevel.objects.filter(lot=OuterRef("pk")).order_by().values("lot")

    def total(expression: F) -> Coalesce:
        return Coalesce(Subquery(levels.annotate(n=Sum(expression)).values("n"), output_field=IntegerField()), 0)

    aside = F("damaged") + F("quality_control")
    return Lot.objects.select_related("variant").annotate(
        on_hand=total(F("on_hand")),
        set_aside=total(aside),
        picked=total(F("picked")),
        free=total(F("on_hand") - aside - F("picked")),
    )


def holds_units() -> Q:
    """Lots of which something is on hand somewhere."""
    return Q(pk__in=LotLevel.objects.filter(on_hand__gt=0).values("lot"))


def expiring(today: date, *, days: int = EXPIRING_WITHIN) -> Q:
    """Lots on hand that may still ship today and no more within `days`."""
    return holds_units() & Q(
        expires_on__gte=today + F("variant__min_remaining_days"),
        expires_on__lt=today + F("variant__min_remaining_days") + days,
    )


def expired(today: date) -> Q:
    """Lots on hand that may not be shipped any more."""
    return holds_units() & Q(expires_on__lt=today + F("variant__min_remaining_days"))


def next_lots(wanted: Sequence[tuple[Key, int]], *, now: datetime) -> list[list[ToTake]]:
    """For each ((variant, location), units) the lots to take them from, first expired first out; nothing is taken.

    The same level asked twice gets what the first left. Two statements; none when nothing is asked.
    """
    keys = {key for key, _units in wanted}
    if not keys:
        return []
    shelf = _free_units(keys, now=now)
    answer = []
    for key, units in wanted:
        shares: list[ToTake] = []
        left = units
        for row in shelf[key]:
            share = min(left, row[1])
            if share > 0:
                row[1] -= share
                left -= share
                shares.append(ToTake(row[0].code, row[0].expires_on, share))
        answer.append(shares)
    return answer


def _free_units(keys: Collection[Key], *, now: datetime) -> dict[Key, list[list]]:
    rows = (
        LotLevel.objects.filter(lot__variant__in={key[0] for key in keys}, location__in={key[1] for key in keys})
        .filter(on_hand__gt=F("damaged") + F("quality_control") + F("picked"))
        .select_related("lot__variant")
        .order_by(F("lot__expires_on").asc(nulls_last=True), "lot_id")
    )
    today = local_days({key[1] for key in keys}, now=now)
    shelf: dict[Key, list[list]] = defaultdict(list)
    for row in rows:
        lot = row.lot
        if not is_spent(lot.expires_on, lot.variant.min_remaining_days, today[row.location_id]):
            free = row.on_hand - row.damaged - row.quality_control - row.picked
            shelf[(lot.variant_id, row.location_id)].append([lot, free])
    return shelf


def lots_here(variant_id: int, location_id: int) -> list[LotLevel]:
    """The lots of a level that hold units, what expires first before the others."""
    rows = LotLevel.objects.filter(lot__variant=variant_id, location=location_id, on_hand__gt=0).select_related("lot")
    return list(rows.order_by(F("lot__expires_on").asc(nulls_last=True), "lot_id"))


def serials_here(variant_id: int, location_id: int) -> QuerySet[SerialNumber]:
    """The serial numbers in stock at a level."""
    return SerialNumber.objects.filter(variant=variant_id, location=location_id, state="in_stock").order_by("serial")


def is_followed(tracking: str) -> bool:
    """True for a variant whose units are told apart."""
    return tracking != Tracking.NONE
