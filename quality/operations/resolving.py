"""Units of a case are decided about, some or all: back to stock, scrapped, returned to the supplier, set aside otherwise.

| resolution | moves |
| --- | --- |
| back to stock | bucket − |
| scrap, return to the supplier | bucket −, on hand − |
| set aside otherwise | bucket −, the other bucket + (quality control and quarantine share one: then nothing moves) |

When all open units of a case are set aside otherwise, the case itself goes there; a part of them gets a case of its own.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound
from core.timeline import record
from inventory.models import Bucket
from inventory.operations.levels import Move, apply_moves, lock_levels
from quality.models import Decision, NonConformance
from quality.operations.opening import write_case
from quality.states import BUCKETS, CASE_MACHINE, GONE, REASONS_IN, REASONS_OUT, CaseKind, Resolution


def resolve_nonconformance(
    *,
    case_id: int,
    resolution: str,
    quantity: int,
    kind: str = "",
    note: str = "",
    key: str | None = None,
    actor: Actor,
    now: datetime,
) -> NonConformance:
    """Decide about some open units of a case. kind: how they are set aside then, for `move`. The same key decides once.

    Raises Invalid (fields `resolution`, `quantity`, `kind`), NotFound, Refusal `wrong_state`, and what `apply_moves` refuses: a bucket
    that somebody emptied by hand has nothing left to take.
    """
    _check(resolution, kind)
    with transaction.atomic():
        case = NonConformance.objects.select_for_update(of=("self",), no_key=True).filter(pk=case_id).first()
        if case is None:
            raise NotFound("no_such_case", _("There is no such case."))
        if key and Decision.objects.filter(key=key).exists():
            return case
        CASE_MACHINE.check(case, "resolve")
        if not 0 < quantity <= case.open_quantity:
            message = _("Give a number from 1 to {most}.").format(most=case.open_quantity)
            raise Invalid("bad_quantity", message, field="quantity", most=case.open_quantity)
        if resolution == Resolution.MOVE and kind == case.kind:
            raise Invalid("same_kind", _("They are set aside so already."), field="kind")
        lock_levels([(case.variant_id, case.location_id)])
        Decision.objects.create(
            case=case, resolution=resolution, quantity=quantity, kind=kind if resolution == Resolution.MOVE else "",
            note=note.strip()[:200], key=key, actor=actor.ref, at=now,
        )  # fmt: skip
        told = {"quantity": quantity, "resolution": resolution, "kind": kind, "note": note.strip()[:200]}
        record(case.subject, "nonconformance.resolved", actor=actor, at=now, **told)
        if resolution == Resolution.MOVE:
            _set_aside_otherwise(case, kind, quantity, note, actor=actor, now=now)
        else:
            _take_out(case, resolution, quantity, note, actor=actor, now=now)
        return case


def _check(resolution: str, kind: str) -> None:
    if resolution not in Resolution.values:
        raise Invalid("bad_resolution", _("Choose what happens to the units."), field="resolution")
    if resolution == Resolution.MOVE and kind not in CaseKind.values:
        raise Invalid("bad_kind", _("Choose how the units are set aside."), field="kind")


def _take_out(case: NonConformance, resolution: str, quantity: int, note: str, *, actor: Actor, now: datetime) -> None:
    reason = REASONS_OUT[resolution]
    key = (case.variant_id, case.location_id)
    moves = [Move(*key, case.bucket, -quantity, reason, note.strip(), case.lot_id)]
    if resolution in GONE:
        moves.append(Move(*key, Bucket.ON_HAND, -quantity, reason, note.strip(), case.lot_id))
    apply_moves(moves, cause=case.subject, actor=actor, now=now)
    _lessen(case, quantity, actor=actor, now=now)


def _set_aside_otherwise(
    case: NonConformance, kind: str, quantity: int, note: str, *, actor: Actor, now: datetime
) -> None:
    key = (case.variant_id, case.location_id)
    whole = quantity == case.open_quantity
    target = case if whole else _part_of(case, kind, quantity, note, actor=actor, now=now)
    bucket, into = case.bucket, BUCKETS[kind]
    out, arrive = (
        Move(*key, name, units, REASONS_IN[kind], note.strip(), case.lot_id)
        for name, units in ((bucket, -quantity), (into, quantity))
    )
    if target is case:
        if bucket != into:
            apply_moves([out, arrive], cause=case.subject, actor=actor, now=now)
        case.kind, case.bucket = kind, into
        case.save(update_fields=["kind", "bucket"])
        return
    # Each of the two cases keeps its own account in the ledger. Nothing becomes available on the way: both are one transaction.
    apply_moves([out], cause=case.subject, actor=actor, now=now, announce=False)
    apply_moves([arrive], cause=target.subject, actor=actor, now=now)
    _lessen(case, quantity, actor=actor, now=now)


def _part_of(
    case: NonConformance, kind: str, quantity: int, note: str, *, actor: Actor, now: datetime
) -> NonConformance:
    part = write_case(
        variant_id=case.variant_id, location_id=case.location_id, lot_id=case.lot_id, kind=kind, bucket=BUCKETS[kind], quantity=quantity,
        open_quantity=quantity, reason_id=case.reason_id, note=note.strip() or case.note, source=case.source, split_from=case,
        actor=actor.ref, created_at=now,
    )  # fmt: skip
    record(
        part.subject, "nonconformance.split_off", actor=actor, at=now, quantity=quantity, kind=kind, number=case.number
    )
    return part


def _lessen(case: NonConformance, quantity: int, *, actor: Actor, now: datetime) -> None:
    case.open_quantity -= quantity
    if case.open_quantity == 0:
        case.state, case.resolved_at = CASE_MACHINE.check(case, "finish"), now
        record(case.subject, "nonconformance.finished", actor=actor, at=now)
    case.save(update_fields=["open_quantity", "state", "resolved_at"])
