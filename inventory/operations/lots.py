"""Lots: find or add one, say of which units are, take units for an order, set expired ones aside, follow a variant by lot or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from core import formats
from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record, record_many
from inventory.models import (
    Location,
    Lot,
    MovementReason,
    SerialNumber,
    SerialState,
    StockMovement,
    Tracking,
    Variant,
)
from inventory.operations.adjusting import BY_HAND, MAX_COUNT, check_key
from inventory.operations.catalog import save_variant
from inventory.operations.levels import Key, Move, apply_moves, create_levels, lock_levels, write_ledger
from inventory.operations.lot_keeping import (
    LotStock,
    count_picked,
    lots_at,
    tracked_variants,
    why_spent,
)

LONGEST_CODE = 40
_EARLIEST, _LATEST = date(1990, 1, 1), date(2100, 1, 1)


def tracking_of(variant_ids: Iterable[int]) -> dict[int, str]:
    """Variant id → "lot" or "serial"; variants that nobody follows are left out."""
    return {pk: tracking for pk, (tracking, _days) in tracked_variants(variant_ids).items()}


def find_or_add_lot(*, variant_id: int, code: str, expires_on: date | None = None, actor: Actor, now: datetime) -> Lot:
    """The lot of that code, new or known. A known one without a date takes the one given.

    Raises Refusal `not_by_lot`; Invalid `bad_lot`, `bad_date`, or `lot_expires_otherwise` when the date contradicts what is known.
    """
    code = clean_code(code)
    if expires_on is not None and not _EARLIEST <= expires_on <= _LATEST:
        raise Invalid("bad_date", _("This date cannot be."), field="expires_on")
    variant = Variant.objects.only("sku", "tracking").filter(pk=variant_id).first()
    if variant is None:
        raise NotFound("no_such_variant", _("There is no such SKU."), field="sku")
    if variant.tracking != Tracking.LOT:
        raise Refusal("not_by_lot", _("{sku} is not followed by lot.").format(sku=variant.sku), field="lot")
    with transaction.atomic():
        lot, added = Lot.objects.get_or_create(
            variant_id=variant_id, code=code, defaults={"expires_on": expires_on, "created_at": now}
        )
        if added:
            record(lot.subject, "lot.added", actor=actor, at=now, lot=code, sku=variant.sku, expires_on=expires_on)
            return lot
        if expires_on is None or lot.expires_on == expires_on:
            return lot
        lot = Lot.objects.select_for_update(of=("self",), no_key=True).get(pk=lot.pk)
        if lot.expires_on is not None and lot.expires_on != expires_on:
            raise Invalid(
                "lot_expires_otherwise",
                _(
                    "Lot {lot} of {sku} expires on {known}, not on {given}. Read the label again, or correct the lot."
                ).format(lot=code, sku=variant.sku, known=formats.day(lot.expires_on), given=formats.day(expires_on)),
                field="expires_on",
            )
        return _write_date(lot, expires_on, actor=actor, now=now)


def correct_lot(*, lot_id: int, expires_on: date | None, actor: Actor, now: datetime) -> Lot:
    """Set the date of a lot right. Raises NotFound, Invalid."""
    if expires_on is not None and not _EARLIEST <= expires_on <= _LATEST:
        raise Invalid("bad_date", _("This date cannot be."), field="expires_on")
    with transaction.atomic():
        lot = Lot.objects.select_for_update(of=("self",), no_key=True).filter(pk=lot_id).first()
        if lot is None:
            raise NotFound("no_such_lot", _("There is no such lot."))
        if lot.code == "" and expires_on is not None:
            raise Invalid("no_code", _("Units without a lot have no common date."), field="expires_on")
        return lot if lot.expires_on == expires_on else _write_date(lot, expires_on, actor=actor, now=now)


def _write_date(lot: Lot, expires_on: date | None, *, actor: Actor, now: datetime) -> Lot:
    before, lot.expires_on = lot.expires_on, expires_on
    lot.save(update_fields=["expires_on"])
    record(lot.subject, "lot.corrected", actor=actor, at=now, before=before, after=expires_on)
    return lot


def clean_code(code: str) -> str:
    """A lot's code as it is stored. Raises Invalid `bad_lot`."""
    clean = code.strip()
    if not clean or len(clean) > LONGEST_CODE or not clean.isprintable():
        raise Invalid("bad_lot", _("A lot has 1 to {most} characters.").format(most=LONGEST_CODE), field="lot")
    return clean


def receive_lot(
    *,
    variant_id: int,
    location_id: int,
    code: str,
    expires_on: date | None,
    units: int,
    reason: str = MovementReason.RECEIVED,
    note: str = "",
    key: str,
    actor: Actor,
    now: datetime,
) -> Lot:
    """Units of a lot came in by hand, once for each `key`. Raises as `find_or_add_lot` and `apply_moves`."""
    _check_units(units)
    check_key(key)
    with transaction.atomic():
        lot = find_or_add_lot(variant_id=variant_id, code=code, expires_on=expires_on, actor=actor, now=now)
        create_levels([(variant_id, location_id)])
        lock_levels([(variant_id, location_id)])
        if not StockMovement.objects.filter(cause=f"{BY_HAND}{key}").exists():
            move = Move(variant_id, location_id, "on_hand", units, reason, note, lot.pk)
            apply_moves([move], cause=f"{BY_HAND}{key}", actor=actor, now=now)
        return lot


def relabel_lot(
    *,
    variant_id: int,
    location_id: int,
    from_code: str = "",
    code: str,
    expires_on: date | None,
    units: int,
    key: str,
    actor: Actor,
    now: datetime,
) -> Lot:
    """Say that units on hand are of another lot than was written (at first: of none); what is on hand stays as it is.

    Once for each `key`. Raises Refusal `lot_is_short` when the old lot has fewer free units, Invalid.
    """
    _check_units(units)
    check_key(key)
    with transaction.atomic():
        lot = find_or_add_lot(variant_id=variant_id, code=code, expires_on=expires_on, actor=actor, now=now)
        old = Lot.objects.filter(variant_id=variant_id, code=from_code).first()
        if old is None or old.pk == lot.pk:
            raise Invalid("no_such_lot", _("There is no such lot."), field="from_code")
        lock_levels([(variant_id, location_id)])
        if not StockMovement.objects.filter(cause=f"{BY_HAND}{key}").exists():
            moves = [
                Move(variant_id, location_id, "on_hand", -units, MovementReason.CORRECTION, lot_id=old.pk),
                Move(variant_id, location_id, "on_hand", units, MovementReason.CORRECTION, lot_id=lot.pk),
            ]
            apply_moves(moves, cause=f"{BY_HAND}{key}", actor=actor, now=now)
        return lot


def _check_units(units: int) -> None:
    if not 0 < units <= MAX_COUNT:
        raise Invalid("bad_quantity", _("A change is at most {most} units.").format(most=MAX_COUNT), field="units")


# ---- what a document took, what a picker takes -----------------------------------------------------------------------


def lots_taken(cause: str) -> dict[int, dict[int, int]]:
    """Variant id → lot id → units that this cause has taken off the shelf and not put back; for who brings them elsewhere."""
    rows = (  # a variant that is no longer followed by lot has forgotten its lots
        StockMovement.objects.filter(cause=cause, bucket="on_hand", lot__variant__tracking=Tracking.LOT)
        .order_by("variant_id", "lot_id")
        .values_list("variant_id", "lot_id")
        .annotate(units=Sum("quantity"))
    )
    taken: dict[int, dict[int, int]] = defaultdict(dict)
    for variant_id, lot_id, units in rows:
        if units < 0:
            taken[variant_id][lot_id] = -units
    return dict(taken)


def pick_lot_units(
    *, variant_id: int, location_id: int, units: int, lot_id: int | None = None, now: datetime
) -> list[tuple[int, int]]:
    """Take units for one order off the shelf: (lot id, units) of the earliest expiry first, or of the lot given.

    They stay on hand and reserved; nobody else is given them. Raises Refusal `lot_is_short`, `lot_expired`, `no_lot_may_ship`.
    """
    lots = _locked_lots((variant_id, location_id), {lot_id} if lot_id else (), now=now)
    if lot_id is not None:
        lots = [lot for lot in lots if lot.lot_id == lot_id]
        if lots and lots[0].spent:
            raise Refusal("lot_expired", why_spent(lots[0]), field="code")
    taken = []
    left = units
    for lot in lots:
        share = min(left, lot.free) if not lot.spent else 0
        if share > 0:
            taken.append((lot.lot_id, share))
            left -= share
    if left:
        code = "lot_is_short" if lot_id is not None else "no_lot_may_ship"
        message = (
            _("There are not so many units left of this lot.")
            if lot_id is not None
            else _("There are not so many units left of lots that may still be shipped.")
        )
        raise Refusal(code, message, field="code", left=units - left)
    count_picked((lot, location_id, share) for lot, share in taken)
    return taken


def put_back_lot_units(*, variant_id: int, location_id: int, lots: Mapping[int, int]) -> None:
    """Units that were picked (lot id → units) are on the shelf again."""
    lock_levels([(variant_id, location_id)])
    count_picked((lot_id, location_id, -units) for lot_id, units in lots.items() if units)


def _locked_lots(key: Key, named: Iterable[int], *, now: datetime) -> list[LotStock]:
    lock_levels([key])
    days = {pk: days for pk, (_tracking, days) in tracked_variants([key[0]]).items()}
    return sorted(lots_at([key], named, days, now=now).values(), key=lambda lot: lot.turn)


# ---- expiry ----------------------------------------------------------------------------------------------------------

_DUE = """
    SELECT DISTINCT lot.variant_id, ll.location_id
      FROM inventory_lot lot JOIN inventory_variant v ON v.id = lot.variant_id
      JOIN inventory_lotlevel ll ON ll.lot_id = lot.id
     WHERE lot.expires_on - v.min_remaining_days < (%s AT TIME ZONE 'UTC')::date + 1
       AND ll.on_hand > ll.damaged + ll.quality_control + ll.picked
     ORDER BY 1, 2
"""


def set_expired_aside(*, actor: Actor, now: datetime) -> int:
    """Move units of lots that may not be shipped any more into quality control, so that nobody is promised them; the units.

    Cause is "lot:<id>". Units that are promised already stay reserved until their order finds others; each level is one transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [now])
        keys = cursor.fetchall()
    return sum(set_level_aside(key, actor=actor, now=now) for key in keys)


def set_level_aside(key: Key, *, actor: Actor, now: datetime) -> int:
    """`set_expired_aside` of one level; the units."""
    moved = 0
    with transaction.atomic():
        level = lock_levels([key])[key]
        spare = level.on_hand - level.reserved - level.damaged - level.quality_control
        for lot in _locked_lots(key, (), now=now):
            units = min(lot.free, spare - moved) if lot.spent else 0
            if units > 0:
                move = Move(*key, "quality_control", units, MovementReason.EXPIRED, lot_id=lot.lot_id)
                apply_moves([move], cause=f"lot:{lot.lot_id}", actor=actor, now=now)
                place = Location.objects.values_list("name", flat=True).get(pk=key[1])
                record(
                    f"lot:{lot.lot_id}", "lot.set_aside", actor=actor, at=now, units=units, location=place,
                    promised=lot.free - units,
                )  # fmt: skip
                moved += units
    return moved


# ---- by lot or not ---------------------------------------------------------------------------------------------------


def set_tracking(*, variant_id: int, tracking: str, merge: bool = False, actor: Actor, now: datetime) -> Variant:
    """Follow a variant by quantity, by lot or by serial number from now on; the caller may hold its row's lock.

    By lot: all its goods become those of the lot without a code, through the ledger. By serial number: its units have none yet.
    Away from lots or serial numbers: refused (`lots_hold_stock`, `serials_in_stock`) while named lots hold units or serial numbers
    are in stock, unless `merge`: then nothing tells the units apart any more. Units in totes always refuse it (`units_are_picked`).
    """
    if tracking not in Tracking.values:
        raise Invalid("bad_tracking", _("Choose how it is followed."), field="tracking")
    with transaction.atomic():
        variant = Variant.objects.select_for_update(of=("self",), no_key=True).filter(pk=variant_id).first()
        if variant is None:
            raise NotFound("no_such_variant", _("There is no such SKU."))
        if variant.tracking == tracking:
            return variant
        if variant.is_bundle:
            raise Refusal(
                "bundle_is_not_tracked",
                _("A bundle has no units of its own; follow its components."),
                field="tracking",
            )
        with _every_level(variant_id) as keys:
            if variant.tracking == Tracking.LOT:
                _leave_lots(variant, merge=merge, actor=actor, now=now)
            if variant.tracking == Tracking.SERIAL:
                _leave_serials(variant, merge=merge, actor=actor, now=now)
            before, variant.tracking = variant.tracking, tracking
            Variant.objects.filter(pk=variant_id).update(tracking=tracking, updated_at=now)
            if tracking == Tracking.LOT:
                _enter_lots(variant, keys, actor=actor, now=now)
        record(
            variant.subject, "variant.changed", actor=actor, at=now, sku=variant.sku,
            changes={"tracking": [before, tracking]},
        )  # fmt: skip
        return variant


def save_followed_variant(
    *,
    variant_id: int | None,
    product_id: int,
    values: Mapping[str, Any],
    tracking: str,
    merge: bool = False,
    actor: Actor,
    now: datetime,
) -> Variant:
    """`save_variant` together with how it is followed: both or neither. Stock levels are locked before the variant's own row."""
    with transaction.atomic():
        if variant_id is not None:
            set_tracking(variant_id=variant_id, tracking=tracking, merge=merge, actor=actor, now=now)
        saved = save_variant(variant_id=variant_id, product_id=product_id, values=values, actor=actor, now=now)
        if variant_id is None and tracking != Tracking.NONE:
            set_tracking(variant_id=saved.pk, tracking=tracking, actor=actor, now=now)
        return saved


@contextmanager
def _every_level(variant_id: int) -> Iterator[list[Key]]:
    """Lock the variant's level at every location, those too that do not exist yet, so that nobody moves it meanwhile and thinks that
    it is followed as before. Levels that nothing happened to are gone afterwards. Yields the levels that hold or held something."""
    keys = [(variant_id, pk) for pk in Location.objects.order_by("pk").values_list("pk", flat=True)]
    create_levels(keys)
    levels = lock_levels(keys)
    yield sorted(levels)
    with connection.cursor() as cursor:
        cursor.execute(_DROP_UNTOUCHED, [variant_id])


_DROP_UNTOUCHED = """
    DELETE FROM inventory_stocklevel s
     WHERE s.variant_id = %s AND s.bin = '' AND greatest(s.on_hand, s.reserved, s.damaged, s.quality_control, s.safety_stock, s.incoming) = 0
       AND NOT EXISTS (SELECT FROM inventory_stockmovement m WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id)
"""
_CHANGE_HANDS = """
    INSERT INTO inventory_lotlevel (lot_id, location_id, on_hand, damaged, quality_control)
    SELECT %s, s.location_id, s.on_hand, s.damaged, s.quality_control FROM inventory_stocklevel s
     WHERE s.variant_id = %s AND s.on_hand > 0
        ON CONFLICT (lot_id, location_id) DO UPDATE SET on_hand = EXCLUDED.on_hand, damaged = EXCLUDED.damaged,
           quality_control = EXCLUDED.quality_control
    RETURNING location_id, on_hand, damaged, quality_control
"""
_OF_LOTS = """
    SELECT ll.lot_id, ll.location_id, ll.on_hand, ll.damaged, ll.quality_control, ll.picked, lot.code
      FROM inventory_lotlevel ll JOIN inventory_lot lot ON lot.id = ll.lot_id
     WHERE lot.variant_id = %s AND ll.on_hand > 0 ORDER BY lot.code DESC, ll.lot_id, ll.location_id FOR UPDATE OF ll
"""
_EMPTY = """
    UPDATE inventory_lotlevel ll SET on_hand = 0, damaged = 0, quality_control = 0
      FROM inventory_lot lot WHERE lot.id = ll.lot_id AND lot.variant_id = %s
"""
_BUCKETS = ("on_hand", "damaged", "quality_control")


def _enter_lots(variant: Variant, keys: list[Key], *, actor: Actor, now: datetime) -> None:
    """What lies there becomes the goods of the lot without a code: out of no lot, into that one, bucket by bucket."""
    lot, _added = Lot.objects.get_or_create(variant_id=variant.pk, code="", defaults={"created_at": now})
    with connection.cursor() as cursor:
        cursor.execute(_CHANGE_HANDS, [lot.pk, variant.pk])
        rows = cursor.fetchall()
    _write_change([(lot.pk, *row) for row in rows], variant, sign=1, actor=actor, now=now)


def _leave_lots(variant: Variant, *, merge: bool, actor: Actor, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_OF_LOTS, [variant.pk])
        rows = cursor.fetchall()
        if any(row[5] for row in rows):
            raise Refusal(
                "units_are_picked",
                _("Units of {sku} lie in totes or parcels; ship them first.").format(sku=variant.sku),
                field="tracking",
            )
        if not merge and (held := [row for row in rows if row[6]]):
            raise Refusal(
                "lots_hold_stock",
                _("Lot {lot} of {sku} still holds units. Say that lots may be forgotten, or sell them first.").format(
                    lot=held[0][6], sku=variant.sku
                ),
                field="tracking",
            )
        cursor.execute(_EMPTY, [variant.pk])
    _write_change([row[:5] for row in rows], variant, sign=-1, actor=actor, now=now)


def _leave_serials(variant: Variant, *, merge: bool, actor: Actor, now: datetime) -> None:
    units = SerialNumber.objects.filter(
        variant_id=variant.pk, state__in=[SerialState.IN_STOCK, SerialState.IN_TRANSIT]
    ).order_by("state", "id")
    first = units.first()
    if first is None:
        return
    if not merge:
        raise Refusal(
            "serials_in_stock",
            _(
                "{serial} of {sku} is in stock or on its way. Say that serial numbers may be forgotten, or sell them first."
            ).format(serial=first.serial, sku=variant.sku),
            field="tracking",
        )
    if units.filter(picked=True).exists():
        raise Refusal(
            "units_are_picked",
            _("Units of {sku} lie in totes or parcels; ship them first.").format(sku=variant.sku),
            field="tracking",
        )
    ids = list(units.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    units.update(state=SerialState.GONE, location=None)
    data = {"location": "", "location_id": None, "cause": variant.subject}
    record_many(((f"serial:{pk}", "serial.gone", data) for pk in ids), actor=actor, at=now)


def _write_change(
    rows: Iterable[tuple[int, int, int, int, int]], variant: Variant, *, sign: int, actor: Actor, now: datetime
) -> None:
    """Ledger rows of units that pass from no lot into one (sign 1) or back: two of each, so that the level's own sum stays."""
    moves = []
    for lot_id, location_id, *counts in rows:
        for bucket, units in zip(_BUCKETS, counts, strict=True):
            if units:
                reason = MovementReason.CORRECTION
                moves.append(Move(variant.pk, location_id, bucket, -sign * units, reason))
                moves.append(Move(variant.pk, location_id, bucket, sign * units, reason, lot_id=lot_id))
    write_ledger(moves, cause=variant.subject, actor=actor, now=now)
