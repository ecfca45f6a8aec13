"""Serial numbers: which units there are, where each lies, and what became of it.

There are never more serial numbers in stock at a location than units on hand. Fewer may be: units that came without a serial number
are counted (`unregistered_units`) until somebody registers them. Who takes units off the shelf says first which serial numbers leave
(`move_serials`), then moves the stock; who brings units in moves the stock first. `apply_moves` and `ship` refuse the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.actors import Actor
from core.bulk import copy_rows
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record_many
from inventory.models import (
    Location,
    MovementReason,
    SerialNumber,
    SerialState,
    StockLevel,
    StockMovement,
    Tracking,
    Variant,
)
from inventory.operations.adjusting import BY_HAND, check_key
from inventory.operations.levels import Key, Move, apply_moves, create_levels, lock_levels

LONGEST_SERIAL = 60
#: Serial numbers that one call writes at most.
MOST_AT_ONCE = 5_000
_DIGITS_AT_END = re.compile(r"^(.*?)(\d+)$", re.ASCII | re.DOTALL)


def read_serials(text: str) -> list[str]:
    """The serial numbers in a text, one on each line or divided by commas; a scanner ends each with a line."""
    return [serial for part in re.split(r"[\r\n,;\t]+", text) if (serial := part.strip())]


def serial_range(first: str, count: int) -> list[str]:
    """`count` serial numbers from `first` on, counting up its last digits with their width: SN-009, SN-010. Raises Invalid."""
    found = _DIGITS_AT_END.match(first.strip())
    if not 1 <= count <= MOST_AT_ONCE:
        raise Invalid("too_many", _("Between 1 and {most} at once.").format(most=MOST_AT_ONCE), field="count")
    if found is None:
        if count == 1:
            return [first.strip()]
        raise Invalid("no_number", _("The first one must end with digits to count on from."), field="first")
    head, digits = found.groups()
    return [f"{head}{int(digits) + n:0{len(digits)}d}" for n in range(count)]


def clean_serials(serials: Iterable[str]) -> list[str]:
    """The serial numbers as they are stored. Raises Invalid naming one that is empty, too long, or there twice."""
    cleaned = [serial.strip() for serial in serials]
    for serial in cleaned:
        if not serial or len(serial) > LONGEST_SERIAL or not serial.isprintable():
            raise Invalid(
                "bad_serial",
                _("“{serial}” is no serial number: 1 to {most} characters.").format(
                    serial=serial[:40], most=LONGEST_SERIAL
                ),
                field="serials",
            )
    if len(cleaned) > MOST_AT_ONCE:
        raise Invalid("too_many", _("At most {most} at once.").format(most=MOST_AT_ONCE), field="serials")
    if len(set(cleaned)) < len(cleaned):
        doubled = next(serial for serial, times in Counter(cleaned).items() if times > 1)
        raise Invalid("twice", _("{serial} stands there twice.").format(serial=doubled), field="serials")
    return cleaned


def unregistered_units(keys: Iterable[Key]) -> dict[Key, int]:
    """(variant, location) → units on hand without a serial number, of variants followed by serial number; two statements."""
    wanted = sorted(set(keys))
    variants, places = {key[0] for key in wanted}, {key[1] for key in wanted}
    on_hand = StockLevel.objects.filter(
        variant_id__in=variants, location_id__in=places, variant__tracking=Tracking.SERIAL
    ).values_list("variant_id", "location_id", "on_hand")
    known = _in_stock(variants, places)
    return {(v, place): n - known.get((v, place), 0) for v, place, n in on_hand if (v, place) in set(wanted)}


def receive_serials(
    *, variant_id: int, location_id: int, serials: Sequence[str], cause: str, actor: Actor, now: datetime
) -> list[SerialNumber]:
    """Register units that are on hand here without a serial number; call it after the stock has risen.

    Raises Invalid `bad_serial`, `twice`, `serial_known` (by name, where it is), Refusal `not_by_serial`,
    `more_serials_than_units`.
    """
    serials = clean_serials(serials)
    if not serials:
        return []
    with transaction.atomic():
        sku = _by_serial(variant_id)
        create_levels([(variant_id, location_id)])
        level = lock_levels([(variant_id, location_id)])[(variant_id, location_id)]
        known = SerialNumber.objects.filter(variant_id=variant_id, serial__in=serials).select_related("location")
        if taken := known.order_by("id").first():
            raise Invalid("serial_known", _already(taken, sku), field="serials")
        in_stock = _in_stock({variant_id}, {location_id}).get((variant_id, location_id), 0)
        _check_room(level.on_hand - in_stock, len(serials), sku)
        copy_rows(
            SerialNumber,
            ("variant_id", "serial", "location_id", "state", "created_at"),
            ((variant_id, serial, location_id, SerialState.IN_STOCK.value, now) for serial in serials),
        )
        rows = list(SerialNumber.objects.filter(variant_id=variant_id, serial__in=serials).order_by("id"))
        _tell(rows, "serial.received", location_id, cause, actor=actor, now=now)
        return rows


def receive_units(
    *, variant_id: int, location_id: int, serials: Sequence[str], note: str = "", key: str, actor: Actor, now: datetime
) -> int:
    """Units came in by hand, one for each serial number, once for each `key`; the number of units."""
    check_key(key)
    serials = clean_serials(serials)
    if not serials:
        raise Invalid("nothing", _("Write at least one serial number."), field="serials")
    cause = f"{BY_HAND}{key}"
    with transaction.atomic():
        create_levels([(variant_id, location_id)])
        lock_levels([(variant_id, location_id)])
        if StockMovement.objects.filter(cause=cause).exists():
            return 0
        move = Move(variant_id, location_id, "on_hand", len(serials), MovementReason.RECEIVED, note)
        apply_moves([move], cause=cause, actor=actor, now=now)
        receive_serials(
            variant_id=variant_id, location_id=location_id, serials=serials, cause=cause, actor=actor, now=now
        )
    return len(serials)


def take_out_units(
    *,
    variant_id: int,
    location_id: int,
    serials: Sequence[str],
    reason: str,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> int:
    """These units are gone (lost, scrapped, broken): on hand falls and the serial numbers leave, once; the number of units."""
    serials = clean_serials(serials)
    with transaction.atomic():
        lock_levels([(variant_id, location_id)])
        cause = f"serial:{_find(variant_id, serials)[0].pk}"
        move_serials(
            variant_id=variant_id, serials=serials, state=SerialState.GONE, from_location_id=location_id, cause=cause,
            actor=actor, now=now,
        )  # fmt: skip
        move = Move(variant_id, location_id, "on_hand", -len(serials), reason, note)
        apply_moves([move], cause=cause, actor=actor, now=now)
    return len(serials)


def move_serials(
    *,
    variant_id: int,
    serials: Sequence[str],
    state: str,
    location_id: int | None = None,
    from_location_id: int | None = None,
    from_states: Sequence[str] = (),
    from_parcel: bool = False,
    cause: str,
    actor: Actor,
    now: datetime,
) -> list[SerialNumber]:
    """Known units go on: shipped, in transit, gone, or (with `location_id`) in stock there. Stock itself is moved by the caller.

    from_location_id: they must be in stock there; from_states: or in one of these states. from_parcel: the caller is the parcel they
    lie in. Each move is one line in the unit's history, with its cause. Raises NotFound `no_such_serial`, Refusal `serial_packed`,
    `serial_elsewhere` (where it is), `more_serials_than_units`.
    """
    serials = clean_serials(serials)
    if not serials:
        return []
    if (state == SerialState.IN_STOCK) != (location_id is not None):
        raise ValueError("a serial number lies at a location exactly when it is in stock")
    with transaction.atomic():
        places = {place for place in (location_id, from_location_id) if place is not None}
        levels = lock_levels((variant_id, place) for place in places)
        sku = _by_serial(variant_id)
        rows = _find(variant_id, serials)
        for row in rows:
            if row.picked and not from_parcel:
                raise Refusal(
                    "serial_packed",
                    _("{sku} {serial} is packed for an order.").format(sku=sku, serial=row.serial),
                    field="serials",
                )
            _check_comes_from(row, sku, from_location_id, from_states)
        if location_id is not None:
            level = levels.get((variant_id, location_id))
            in_stock = _in_stock({variant_id}, {location_id}).get((variant_id, location_id), 0)
            coming = sum(row.location_id != location_id for row in rows)
            _check_room((level.on_hand if level else 0) - in_stock, coming, sku)
        SerialNumber.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=state, location_id=location_id, picked=False
        )
        for row in rows:
            row.state, row.location_id, row.picked = state, location_id, False
        _tell(rows, f"serial.{state}", location_id or from_location_id, cause, actor=actor, now=now)
        return rows


def give_up_serials(
    *, variant_id: int, location_id: int, units: int, serials: Sequence[str] = (), cause: str, actor: Actor,
    now: datetime,
) -> list[SerialNumber]:  # fmt: skip
    """Before `units` fall at a location: the named serial numbers are gone, else only so many of the oldest as must be.

    For falls of which nobody can say which units they are (a count, a short pick): units without a serial number go first, and what
    is packed for an order stays. The caller moves the stock afterwards.
    """
    with transaction.atomic():
        key = (variant_id, location_id)
        level = lock_levels([key]).get(key)
        named = list(clean_serials(serials))
        spare = (level.on_hand if level else 0) - _in_stock({variant_id}, {location_id}).get(key, 0)
        missing = max(0, units - len(named) - spare)
        if missing:
            oldest = SerialNumber.objects.filter(
                variant_id=variant_id, location_id=location_id, state=SerialState.IN_STOCK, picked=False
            )
            others = oldest.exclude(serial__in=named).order_by("id")
            named += others.values_list("serial", flat=True)[:missing]
        return move_serials(
            variant_id=variant_id, serials=named, state=SerialState.GONE, from_location_id=location_id, cause=cause,
            actor=actor, now=now,
        )  # fmt: skip


# ---- parts -----------------------------------------------------------------------------------------------------------


def _by_serial(variant_id: int) -> str:
    """The SKU of a variant that is followed by serial number. Raises Refusal `not_by_serial`."""
    variant = Variant.objects.only("sku", "tracking").filter(pk=variant_id).first()
    if variant is None:
        raise NotFound("no_such_variant", _("There is no such SKU."), field="sku")
    if variant.tracking != Tracking.SERIAL:
        raise Refusal(
            "not_by_serial", _("{sku} is not followed by serial number.").format(sku=variant.sku), field="serials"
        )
    return variant.sku


def _in_stock(variant_ids: set[int], location_ids: set[int]) -> dict[Key, int]:
    rows = (
        SerialNumber.objects.filter(
            variant_id__in=variant_ids, location_id__in=location_ids, state=SerialState.IN_STOCK
        )
        .order_by()
        .values_list("variant_id", "location_id")
        .annotate(n=Count("pk"))
    )
    return {(variant_id, place): n for variant_id, place, n in rows}


def _check_room(room: int, wanted: int, sku: str) -> None:
    if wanted > room:
        raise Refusal(
            "more_serials_than_units",
            ngettext(
                "{sku}: only {n} unit on hand there has no serial number yet.",
                "{sku}: only {n} units on hand there have no serial number yet.",
                max(0, room),
            ).format(sku=sku, n=max(0, room)),
            field="serials",
        )


def _find(variant_id: int, serials: Sequence[str]) -> list[SerialNumber]:
    """The rows of these serial numbers, locked, by id. Raises NotFound naming one that is unknown."""
    rows = list(
        SerialNumber.objects.select_for_update(of=("self",), no_key=True)
        .select_related("location")
        .filter(variant_id=variant_id, serial__in=serials)
        .order_by("id")
    )
    unknown = set(serials) - {row.serial for row in rows}
    if unknown or not rows:
        raise NotFound(
            "no_such_serial",
            _("Serial number {serial} is not known.").format(serial=min(unknown, default="—")),
            field="serials",
        )
    return rows


def _check_comes_from(row: SerialNumber, sku: str, from_location_id: int | None, from_states: Sequence[str]) -> None:
    here = row.state == SerialState.IN_STOCK and row.location_id == from_location_id
    if here or row.state in from_states or (from_location_id is None and not from_states):
        return
    raise Refusal("serial_elsewhere", where_it_is(row, sku), field="serials", serial=row.serial, state=row.state)


def where_it_is(row: SerialNumber, sku: str) -> str:
    """Where a unit is now, in a sentence."""
    if row.state == SerialState.IN_STOCK and row.location:
        return _("{sku} {serial} is in stock at {location}.").format(
            sku=sku, serial=row.serial, location=row.location.name
        )
    states = {
        SerialState.SHIPPED: _("{sku} {serial} was shipped."),
        SerialState.IN_TRANSIT: _("{sku} {serial} is on its way between locations."),
    }
    return states.get(SerialState(row.state), _("{sku} {serial} is written off as gone.")).format(
        sku=sku, serial=row.serial
    )


def _already(row: SerialNumber, sku: str) -> str:
    return _("{serial} is known already: {where}").format(serial=row.serial, where=where_it_is(row, sku))


def _tell(
    rows: Sequence[SerialNumber], kind: str, location_id: int | None, cause: str, *, actor: Actor, now: datetime
) -> None:
    place = Location.objects.values_list("name", flat=True).filter(pk=location_id).first() or ""
    data = {"location": place, "location_id": location_id, "cause": cause}
    record_many(((row.subject, kind, data) for row in rows), actor=actor, at=now)
