"""Packing: from the tote into the parcel, every unit checked by a scan, or the whole parcel at once.

At a pack station without a picking round, the scan that packs a unit has also picked it: the work order passes the states in
between in the same transaction.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, Stale
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.picking import end_picking, ensure_picking
from fulfillment.operations.scanning import Counted
from fulfillment.operations.units import (
    forget_packed,
    pack_serial,
    read_code,
    record_lots,
    refuse_unscanned,
    take_scanned_lot,
)
from fulfillment.operations.work import (
    S,
    Work,
    all_have,
    check_move,
    count_all,
    count_to,
    lock_work,
    record,
    who_did,
    write_state,
)
from orders.operations import refresh_order


def pack_scanned(*, fulfillment_order_id: int, code: str, actor: Actor, now: datetime) -> Counted:
    """Put one unit into the parcel by its scanned SKU or barcode, lot or serial number; the last one packs it.

    Raises Refusal `wrong_item`, `too_many`, `on_hold`, `wrong_state`; Stale `already_…` names who was faster and when.
    """
    with transaction.atomic():
        work = lock_work(fulfillment_order_id)
        _ensure_packable(work, actor=actor, now=now)
        scanned = read_code(work, code, "packed", now=now)
        pack_serial(work, scanned, actor=actor, now=now)
        warning = take_scanned_lot(work, scanned, "packed", actor=actor, now=now)
        line = scanned.line
        return _count(work, line, line.packed + 1, actor=actor, now=now, warning=warning)


def pack_line(
    *, fulfillment_order_id: int, line_id: int, units: int | None = None, actor: Actor, now: datetime
) -> Counted:
    """Put units of one line into the parcel without scanning; None means all that are left of it."""
    with transaction.atomic():
        work = lock_work(fulfillment_order_id)
        _ensure_packable(work, actor=actor, now=now)
        line = work.line(line_id)
        left = line.quantity - line.packed
        units = left if units is None else units
        if not 0 < units <= left:
            raise Invalid("bad_units", _("{left} units are left to pack.").format(left=left), field="units")
        refuse_unscanned([line])
        return _count(work, line, line.packed + units, actor=actor, now=now)


def pack_all(
    *, fulfillment_order_id: int, actor: Actor, now: datetime, expected_version: int | None = None
) -> FulfillmentOrder:
    """Say that everything is in the parcel: picked → packed, from open too. Raises Stale or Refusal."""
    with transaction.atomic():
        work = lock_work(fulfillment_order_id, expected_version=expected_version)
        pack_work(work, actor=actor, now=now)
        refresh_order(work.order, now=now)
        return work.fulfillment_order


def empty_parcel(*, fulfillment_order_id: int, actor: Actor, now: datetime) -> FulfillmentOrder:
    """Take everything out of a parcel that is not closed yet and count again from nothing; what is picked stays picked."""
    with transaction.atomic():
        work = lock_work(fulfillment_order_id)
        if work.fulfillment_order.state not in (S.PICKING, S.PICKED):
            raise Stale("parcel_closed", who_did(work.fulfillment_order))
        forget_packed(work.lines)
        for line in work.lines:
            if line.packed:
                line.order_line.packed -= line.packed
                line.packed = 0
                line.order_line.save(update_fields=["packed"])
                line.save(update_fields=["packed"])
        refresh_order(work.order, now=now)
        return work.fulfillment_order


def pack_work(work: Work, *, actor: Actor, now: datetime) -> None:
    """Bring locked work from wherever it may be to packed, all units counted."""
    _ensure_packable(work, actor=actor, now=now)
    refuse_unscanned(work.lines)
    count_all(work, "packed")
    record_lots(work, now=now)
    _close(work, actor=actor, now=now)


def _ensure_packable(work: Work, *, actor: Actor, now: datetime) -> None:
    if work.fulfillment_order.state in (S.OPEN, S.PICKING):
        ensure_picking(work, actor=actor, now=now)
    else:
        check_move(work, "pack")


def _count(
    work: Work, line: FulfillmentLine, packed: int, *, actor: Actor, now: datetime, warning: str = ""
) -> Counted:
    count_to(work, {line.pk: {"packed": packed}})
    record_lots(work, now=now)
    finished = all_have(work, "packed")
    if finished:
        _close(work, actor=actor, now=now)
    elif work.fulfillment_order.state == S.PICKING and all_have(work, "picked"):
        end_picking(work, actor=actor, now=now)
    refresh_order(work.order, now=now)
    return Counted(line.order_line.sku, line.order_line.title, line.packed, line.quantity, finished, warning)


def _close(work: Work, *, actor: Actor, now: datetime) -> None:
    if work.fulfillment_order.state == S.PICKING:
        end_picking(work, actor=actor, now=now)
    write_state(work, check_move(work, "pack"), actor=actor, now=now)
    record(work, "fulfillment.packed", actor=actor, now=now)
