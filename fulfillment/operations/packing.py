"""Packing: from the tote into the parcel, every unit checked by a scan, or the whole parcel at once.

At a pack station without a picking round, the scan that packs a unit has also picked it: the work order passes the states in
between in the same transaction. Where work orders of several orders travel as one parcel, every act is on the parcel, whichever of
them is named: it is packed when the units of all are in, and all of them are packed then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, Stale
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.groups import Group, empty, leave_behind, lock_group
from fulfillment.operations.picking import end_picking, ensure_picking
from fulfillment.operations.scanning import Counted
from fulfillment.operations.units import (
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
    record,
    who_did,
    write_state,
)
from orders.operations import refresh_order

T = TypeVar("T")


def in_parcel(
    fulfillment_order_id: int,
    do: Callable[[Group], T],
    *,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> T:
    """Do something with a parcel that is not closed, under the locks of all that is in it; who is held stays behind first.

    Where the very work order that was named stays behind, that is kept and told with Stale `left_parcel`: the others go on.
    """
    with transaction.atomic():
        group = lock_group(fulfillment_order_id, expected_version=expected_version)
        leave_behind(group, actor=actor, now=now)
        number = group.asked.fulfillment_order.number
        why = dict(group.behind).get(number)
        if why is None or not group.works:
            return do(group)
    others = ", ".join(work.fulfillment_order.number for work in group.works)
    message = _("{number} stays behind: {why} The parcel goes on as {others}.")
    raise Stale("left_parcel", message.format(number=number, why=why, others=others))


def pack_scanned(*, fulfillment_order_id: int, code: str, actor: Actor, now: datetime) -> Counted:
    """Put one unit into the parcel by its scanned SKU or barcode, lot or serial number; the last one packs it.

    Raises Refusal `wrong_item`, `too_many`, `on_hold`, `wrong_state`; Stale `already_…` names who was faster and when.
    """

    def scan(group: Group) -> Counted:
        _ensure_packable(group, actor=actor, now=now)
        work = group.whole
        scanned = read_code(work, code, "packed", now=now)
        pack_serial(work, scanned, actor=actor, now=now)
        warning = take_scanned_lot(work, scanned, "packed", actor=actor, now=now)
        line = scanned.line
        return _count(group, line, line.packed + 1, actor=actor, now=now, warning=warning)

    return in_parcel(fulfillment_order_id, scan, actor=actor, now=now)


def pack_line(
    *, fulfillment_order_id: int, line_id: int, units: int | None = None, actor: Actor, now: datetime
) -> Counted:
    """Put units of one line into the parcel without scanning; None means all that are left of it."""

    def put(group: Group) -> Counted:
        _ensure_packable(group, actor=actor, now=now)
        line = group.whole.line(line_id)
        left = line.quantity - line.packed
        wanted = left if units is None else units
        if not 0 < wanted <= left:
            raise Invalid("bad_units", _("{left} units are left to pack.").format(left=left), field="units")
        refuse_unscanned([line])
        return _count(group, line, line.packed + wanted, actor=actor, now=now)

    return in_parcel(fulfillment_order_id, put, actor=actor, now=now)


def pack_all(
    *, fulfillment_order_id: int, actor: Actor, now: datetime, expected_version: int | None = None
) -> FulfillmentOrder:
    """Say that everything is in the parcel: picked → packed, from open too. Raises Stale or Refusal."""

    def pack(group: Group) -> FulfillmentOrder:
        pack_group(group, actor=actor, now=now)
        for work in group.works:
            refresh_order(work.order, now=now)
        return group.asked.fulfillment_order

    return in_parcel(fulfillment_order_id, pack, actor=actor, now=now, expected_version=expected_version)


def empty_parcel(*, fulfillment_order_id: int, actor: Actor, now: datetime) -> FulfillmentOrder:
    """Take everything out of a parcel that is not closed yet and count again from nothing; what is picked stays picked."""
    with transaction.atomic():
        group = lock_group(fulfillment_order_id)
        found = group.asked.fulfillment_order
        if found.state not in (S.PICKING, S.PICKED):
            raise Stale("parcel_closed", who_did(found))
        for work in group.works:
            empty(work)
            refresh_order(work.order, now=now)
        return found


def pack_group(group: Group, *, actor: Actor, now: datetime) -> None:
    """Bring the locked work of a parcel from wherever it may be to packed, all units counted."""
    _ensure_packable(group, actor=actor, now=now)
    work = group.whole
    refuse_unscanned(work.lines)
    count_all(work, "packed")
    record_lots(work, now=now)
    _close(group, actor=actor, now=now)


def _ensure_packable(group: Group, *, actor: Actor, now: datetime) -> None:
    for work in group.works:
        with group.naming(work):
            if work.fulfillment_order.state in (S.OPEN, S.PICKING):
                ensure_picking(work, actor=actor, now=now)
            else:
                check_move(work, "pack")


def _count(
    group: Group, line: FulfillmentLine, packed: int, *, actor: Actor, now: datetime, warning: str = ""
) -> Counted:
    whole, work = group.whole, group.of_line(line)
    count_to(whole, {line.pk: {"packed": packed}})
    record_lots(whole, now=now)
    finished = all_have(whole, "packed")
    if finished:
        _close(group, actor=actor, now=now)
    elif work.fulfillment_order.state == S.PICKING and all_have(work, "picked"):
        end_picking(work, actor=actor, now=now)
    refresh_order(work.order, now=now)
    behind = [
        _("{number} stays behind: take what is in the parcel of it out.").format(number=number)
        for number, _why in group.behind
    ]
    told = " ".join(filter(None, [warning, *behind]))
    return Counted(line.order_line.sku, line.order_line.title, line.packed, line.quantity, finished, told)


def _close(group: Group, *, actor: Actor, now: datetime) -> None:
    for work in group.works:
        if work.fulfillment_order.state == S.PICKING:
            end_picking(work, actor=actor, now=now)
        write_state(work, check_move(work, "pack"), actor=actor, now=now)
        record(work, "fulfillment.packed", actor=actor, now=now, **told_of(group, work))


def told_of(group: Group, work: Work) -> dict[str, list[str]]:
    """What the history adds about a parcel that others share: the numbers of their orders."""
    others = [other.order.number for other in group.works if other is not work]
    return {"together_with": others} if others else {}
