"""Picking: from the shelf into the tote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outcomes import BulkOutcome
from core.refusals import Invalid, Refusal
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.scanning import Counted
from fulfillment.operations.units import read_code, record_lots, take_scanned_lot
from fulfillment.operations.work import (
    S,
    Work,
    all_have,
    check_move,
    count_all,
    count_to,
    lock_work,
    record,
    write_state,
)
from orders.operations import refresh_order


def start_picking(
    *, fulfillment_order_id: int, actor: Actor, now: datetime, expected_version: int | None = None
) -> FulfillmentOrder:
    """Take a work order: open → picking. Raises Stale (who has it), Refusal (held, not open yet)."""
    with transaction.atomic():
        work = lock_work(fulfillment_order_id, expected_version=expected_version)
        begin_picking(work, actor=actor, now=now)
        return work.fulfillment_order


def start_picking_many(*, fulfillment_order_ids: Sequence[int], actor: Actor, now: datetime) -> BulkOutcome:
    """Take many work orders, each in a transaction of its own."""
    outcome = BulkOutcome()
    numbers = dict(FulfillmentOrder.objects.filter(pk__in=fulfillment_order_ids).values_list("pk", "number"))
    for pk in fulfillment_order_ids:
        try:
            outcome.done.append(start_picking(fulfillment_order_id=pk, actor=actor, now=now).number)
        except Refusal as refusal:
            outcome.refuse(numbers.get(pk, pk), refusal)
    return outcome


def pick_scanned(*, fulfillment_order_id: int, code: str, actor: Actor, now: datetime) -> Counted:
    """Count one unit by its scanned SKU or barcode, lot or serial number; the first scan takes the work order, the last finishes it.

    Raises Refusal `wrong_item`, `too_many`, `on_hold`, `wrong_state`, and Stale.
    """
    with transaction.atomic():
        work = lock_work(fulfillment_order_id)
        ensure_picking(work, actor=actor, now=now)
        scanned = read_code(work, code, "picked", now=now)
        warning = take_scanned_lot(work, scanned, "picked", actor=actor, now=now)
        line = scanned.line
        return _count(work, line, line.picked + 1, actor=actor, now=now, warning=warning)


def pick_line(
    *, fulfillment_order_id: int, line_id: int, units: int | None = None, actor: Actor, now: datetime
) -> Counted:
    """Count units of one line without scanning; None means all that are left of it."""
    with transaction.atomic():
        work = lock_work(fulfillment_order_id)
        ensure_picking(work, actor=actor, now=now)
        line = work.line(line_id)
        left = line.quantity - line.picked
        units = left if units is None else units
        if not 0 < units <= left:
            raise Invalid("bad_units", _("{left} units are left to pick.").format(left=left), field="units")
        return _count(work, line, line.picked + units, actor=actor, now=now)


def finish_picking(
    *, fulfillment_order_id: int, actor: Actor, now: datetime, expected_version: int | None = None
) -> FulfillmentOrder:
    """Say that everything is in the tote: every line counts in full. Raises Stale or Refusal."""
    with transaction.atomic():
        work = lock_work(fulfillment_order_id, expected_version=expected_version)
        ensure_picking(work, actor=actor, now=now)
        count_all(work, "picked")
        record_lots(work, now=now)
        end_picking(work, actor=actor, now=now)
        refresh_order(work.order, now=now)
        return work.fulfillment_order


def _count(
    work: Work, line: FulfillmentLine, picked: int, *, actor: Actor, now: datetime, warning: str = ""
) -> Counted:
    count_to(work, {line.pk: {"picked": picked}})
    record_lots(work, now=now)
    finished = all_have(work, "picked")
    if finished:
        end_picking(work, actor=actor, now=now)
    refresh_order(work.order, now=now)
    return Counted(line.order_line.sku, line.order_line.title, line.picked, line.quantity, finished, warning)


def begin_picking(work: Work, *, actor: Actor, now: datetime) -> None:
    """open → picking of locked work."""
    write_state(work, check_move(work, "start_picking"), actor=actor, now=now, assigned_to=actor.ref)
    record(work, "fulfillment.picking", actor=actor, now=now)


def ensure_picking(work: Work, *, actor: Actor, now: datetime) -> None:
    """Begin if nobody has; Stale or Refusal when picking is over or not possible."""
    if work.fulfillment_order.state == S.OPEN:
        begin_picking(work, actor=actor, now=now)
    else:
        check_move(work, "finish_picking")


def end_picking(work: Work, *, actor: Actor, now: datetime) -> None:
    """picking → picked of locked work whose units are all counted."""
    write_state(work, check_move(work, "finish_picking"), actor=actor, now=now)
    record(work, "fulfillment.picked", actor=actor, now=now)
