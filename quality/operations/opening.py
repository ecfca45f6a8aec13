"""Units are set aside, with a reason, by an open case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.bulk import next_ids
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from inventory.models import Location, LotLevel, Tracking, Variant
from inventory.operations.levels import Level, Move, apply_moves, create_levels, lock_levels
from quality.models import NonConformance, NonConformanceReason
from quality.operations.photos import Picture, keep_photos
from quality.operations.reasons import find_reason
from quality.queries import explained, holders_of
from quality.states import BUCKETS, REASONS_IN, CaseKind, CaseSource

MOST_UNITS = 10_000_000
LONGEST_NOTE = 2000


class NotFree(Refusal):
    """More units would be set aside than are free; `holders` says who holds the others: (owner, units)."""

    def __init__(self, *, free: int, holders: list[tuple[str, int]], message: str) -> None:
        self.free = free
        self.holders = holders
        super().__init__("stock_is_reserved", message, field="quantity", free=free)


def open_nonconformance(
    *,
    variant_id: int,
    location_id: int,
    kind: str,
    quantity: int,
    reason: str,
    note: str = "",
    lot_id: int | None = None,
    source: str,
    photos: Sequence[Picture] = (),
    request_key: str | None = None,
    actor: Actor,
    now: datetime,
) -> NonConformance:
    """Set units that are on hand aside. reason: code of a reason (`quality.operations.reasons`); photos: from `check_picture`.

    The same request_key opens one case. Raises Invalid (field), NotFound, or NotFree when the units are promised or set aside already.
    """
    _check(kind, quantity, note, source)
    with transaction.atomic():
        chosen = find_reason(reason)
        variant, place = _find(variant_id, location_id)
        _check_lot(variant, lot_id, location_id, quantity)
        key = (variant_id, location_id)
        create_levels([key])
        level = lock_levels([key])[key]
        # Under the lock: of two that arrive at once the second one sees what the first did.
        if request_key and (known := NonConformance.objects.filter(request_key=request_key).first()):
            return known
        free = level.on_hand - level.reserved - level.damaged - level.quality_control
        if quantity > free:
            raise _not_free(level, variant, place, free)
        case = _write(
            variant, place, kind, quantity, chosen, note, source, lot_id=lot_id, request_key=request_key, actor=actor, now=now
        )  # fmt: skip
        move = Move(variant_id, location_id, BUCKETS[kind], quantity, REASONS_IN[kind], chosen.name, lot_id)
        apply_moves([move], cause=case.subject, actor=actor, now=now)
        _tell(case, photos, actor=actor, now=now)
        return case


def adopt_rest(
    *,
    variant_id: int,
    location_id: int,
    kind: str,
    quantity: int,
    reason: str,
    note: str = "",
    source: str = CaseSource.STOCK,
    photos: Sequence[Picture] = (),
    request_key: str | None = None,
    actor: Actor,
    now: datetime,
) -> NonConformance:
    """Open a case for units that are in the bucket already and that no case explains; nothing moves.

    Raises Invalid, NotFound, or Refusal `not_in_bucket` when fewer are unexplained.
    """
    _check(kind, quantity, note, source)
    with transaction.atomic():
        chosen = find_reason(reason)
        variant, place = _find(variant_id, location_id)
        key = (variant_id, location_id)
        level = lock_levels([key]).get(key) or Level(*key)
        if request_key and (known := NonConformance.objects.filter(request_key=request_key).first()):
            return known
        rest = getattr(level, BUCKETS[kind]) - explained(key).get(BUCKETS[kind], 0)
        if quantity > rest:
            message = _("Only {rest} units there have no case.").format(rest=max(0, rest))
            raise Refusal("not_in_bucket", message, field="quantity", rest=rest)
        case = _write(
            variant, place, kind, quantity, chosen, note, source, adopted=quantity, request_key=request_key, actor=actor, now=now
        )  # fmt: skip
        _tell(case, photos, actor=actor, now=now)
        return case


def write_case(**fields: object) -> NonConformance:
    """A row with its number."""
    pk = next_ids(NonConformance, 1)[0]
    return NonConformance.objects.create(pk=pk, number=f"NC-{1000 + pk}", **fields)


def _write(
    variant: Variant,
    place: Location,
    kind: str,
    quantity: int,
    reason: NonConformanceReason,
    note: str,
    source: str,
    *,
    actor: Actor,
    now: datetime,
    **more: object,
) -> NonConformance:
    return write_case(
        variant=variant, location=place, kind=kind, bucket=BUCKETS[kind], quantity=quantity, open_quantity=quantity, reason=reason,
        note=note.strip(), source=source, actor=actor.ref, created_at=now, **more,
    )  # fmt: skip


def _tell(case: NonConformance, photos: Sequence[Picture], *, actor: Actor, now: datetime) -> None:
    keep_photos(case, photos, actor=actor, now=now)
    record(
        case.subject, "nonconformance.opened", actor=actor, at=now, quantity=case.quantity, kind=case.kind,
        reason=case.reason.name, adopted=case.adopted, photos=len(photos),
    )  # fmt: skip


def _check(kind: str, quantity: int, note: str, source: str) -> None:
    if kind not in CaseKind.values:
        raise Invalid("bad_kind", _("Choose how the units are set aside."), field="kind")
    if source not in CaseSource.values:
        raise Invalid("bad_source", _("Say where they were found."), field="source")
    if not 0 < quantity <= MOST_UNITS:
        raise Invalid("bad_quantity", _("Give a number of units."), field="quantity")
    if len(note) > LONGEST_NOTE or "\x00" in note:
        raise Invalid("bad_note", _("A note has at most {most} characters.").format(most=LONGEST_NOTE), field="note")


def _find(variant_id: int, location_id: int) -> tuple[Variant, Location]:
    variant = Variant.objects.filter(pk=variant_id).first()
    if variant is None:
        raise NotFound("no_such_variant", _("There is no such SKU."), field="sku")
    if variant.is_bundle:
        raise Invalid("bundle", _("A bundle has no stock of its own: set its components aside."), field="sku")
    place = Location.objects.filter(pk=location_id).first()
    if place is None:
        raise NotFound("no_such_location", _("There is no such location."), field="location")
    return variant, place


def _check_lot(variant: Variant, lot_id: int | None, location_id: int, quantity: int) -> None:
    if lot_id is None:
        return
    held = LotLevel.objects.filter(lot_id=lot_id, lot__variant=variant, location_id=location_id).first()
    if variant.tracking != Tracking.LOT or held is None or held.on_hand < quantity:
        raise Invalid("bad_lot", _("There are not that many units of this lot."), field="lot")


def _not_free(level: Level, variant: Variant, place: Location, free: int) -> NotFree:
    holders = holders_of(level.key)
    message = _("{sku} at {location}: only {free} of {on_hand} units are neither promised nor set aside.").format(
        sku=variant.sku, location=place.name, free=max(0, free), on_hand=level.on_hand
    )
    return NotFree(free=max(0, free), holders=holders, message=message)
