"""What a picker or packer does not find: the ledger is told, the parcel goes without it, and it is routed again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid
from fulfillment.events import FulfillmentShort
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.picking import end_picking
from fulfillment.operations.units import units_missing
from fulfillment.operations.work import S, Work, all_have, check_move, lock_work, record, write_state
from inventory.operations import Claim, apply_moves, release
from orders.models import OrderLine
from orders.operations import refresh_order


def report_missing(
    *, fulfillment_order_id: int, line_id: int, units: int, actor: Actor, now: datetime
) -> FulfillmentOrder:
    """Units of a line are not where they should be.

    They leave the work order, their reservation and the count on hand (reason: lost), and wait for another place, which the
    event finds. A work order that has nothing left is closed as incomplete. Raises Invalid, Refusal, Stale, NotFound.
    """
    with transaction.atomic():
        work = lock_work(fulfillment_order_id)
        target = check_move(work, "close_incomplete")
        line = work.line(line_id)
        most = line.quantity - line.packed
        if not 0 < units <= most:
            raise Invalid("bad_units", _("At most {most} units of it can be missing.").format(most=most), field="units")
        _take_out(work, line, units, actor=actor, now=now)
        found = work.fulfillment_order
        record(work, "fulfillment.short", actor=actor, now=now, sku=line.order_line.sku, units=units)
        if found.units == 0:
            write_state(work, target, actor=actor, now=now)
        elif found.state == S.PICKING and all_have(work, "picked"):
            end_picking(work, actor=actor, now=now)
        refresh_order(work.order, now=now)
        publish(FulfillmentShort(found.pk), actor=actor)
        return found


def _take_out(work: Work, line: FulfillmentLine, units: int, *, actor: Actor, now: datetime) -> None:
    found, order_line = work.fulfillment_order, line.order_line
    unpicked = line.quantity - line.picked
    not_picked_after_all = max(0, units - unpicked)
    line.quantity -= units
    line.picked -= not_picked_after_all
    line.save(update_fields=["quantity", "picked"])
    OrderLine.objects.filter(pk=order_line.pk).update(
        allocated=F("allocated") - units, picked=F("picked") - not_picked_after_all
    )
    found.units -= units
    found.version += 1
    found.save(update_fields=["units", "version"])
    if order_line.variant_id is None:
        return
    cause = found.subject
    claim = Claim(order_line.variant_id, found.location_id, order_line.reservation_owner, units)
    release([claim], cause=cause, actor=actor, now=now, announce=False)
    lost = units_missing(work, line, units, not_picked_after_all, actor=actor, now=now)
    apply_moves(lost, cause=cause, actor=actor, now=now)
