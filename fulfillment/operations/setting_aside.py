"""Work orders in line with the holds of their order: units that are stopped lie in work orders on hold, all others move on.

One function says how it should be and brings it about, so it does not matter in which order holds come and go, or who made the
work. Stock does not move: the units stay reserved at their location.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from core.actors import Actor
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.assignment import next_part
from fulfillment.states import FulfillmentState
from inventory.models import StockLevel
from orders.models import Order
from orders.queries import Stopped, stopped_by_holds

S = FulfillmentState
_MOVABLE = (S.SCHEDULED, S.OPEN, S.PICKING, S.ON_HOLD)


def arrange_work(order: Order, *, actor: Actor, now: datetime, released: Collection[int] = ()) -> None:
    """Bring the work orders of a locked order in line with its open holds.

    A hold on the whole order puts all work on hold that nobody has begun. A hold on lines takes their unpicked units out of the
    work they are in, into work of their own on hold at the same location. Released units go back into open work at their
    location, or open as work of their own. What is picked already stays where it is; `refuse_held` stops its parcel.
    released: ids of lines that a hold has just let go.
    """
    stopped = stopped_by_holds(order.pk)
    work = list(
        FulfillmentOrder.objects.select_for_update(of=("self",), no_key=True)
        .filter(order=order, state__in=_MOVABLE)
        .order_by("pk")
    )
    if not work:
        return
    if stopped.whole:
        for one in work:
            if one.state in (S.OPEN, S.SCHEDULED):
                _write(one, S.ON_HOLD, actor=actor, now=now)
        return
    lines = _lines_of(work)
    for one in work:
        _divide(order, one, lines[one.pk], stopped, actor=actor, now=now)
    for one in work:
        if one.state == S.OPEN and released and {line.order_line_id for line in lines[one.pk]} <= set(released):
            _join_again(one, lines[one.pk], actor=actor, now=now)


def _lines_of(work: Sequence[FulfillmentOrder]) -> dict[int, list[FulfillmentLine]]:
    found: dict[int, list[FulfillmentLine]] = {one.pk: [] for one in work}
    rows = FulfillmentLine.objects.filter(fulfillment_order__in=work, quantity__gt=0).select_related("order_line")
    for line in rows.order_by("order_line__position", "pk"):
        found[line.fulfillment_order_id].append(line)
    return found


def _divide(
    order: Order, one: FulfillmentOrder, lines: Sequence[FulfillmentLine], held: Stopped, *, actor: Actor, now: datetime
) -> None:
    """Part a work order into what is held and what moves on."""
    waiting = [line for line in lines if line.quantity > line.picked]
    stopped = [line for line in waiting if held.line(line.order_line_id)]
    if not stopped:
        if one.state == S.ON_HOLD:
            _write(one, S.OPEN, actor=actor, now=now)
        return
    begun = any(line.picked for line in lines)
    if len(stopped) == len(waiting) and not begun and one.state != S.PICKING:
        if one.state != S.ON_HOLD:
            _write(one, S.ON_HOLD, actor=actor, now=now)
        return
    _move_out(order, one, {line: line.quantity - line.picked for line in stopped}, actor=actor, now=now)
    _settle(one, actor=actor, now=now)


def _move_out(
    order: Order, one: FulfillmentOrder, units: Mapping[FulfillmentLine, int], *, actor: Actor, now: datetime
) -> None:
    """Take these units into a work order of their own, on hold at the same location."""
    total = sum(units.values())
    bins = StockLevel.objects.filter(
        location_id=one.location_id, variant_id__in=[line.order_line.variant_id for line in units]
    ).exclude(bin="")
    own = FulfillmentOrder.objects.create(
        order=order, location_id=one.location_id, number=f"F{order.pk}-{next_part(order.pk)}", state=S.ON_HOLD, service=one.service,
        units=total, first_bin=min(bins.values_list("bin", flat=True), default=""), ship_by=one.ship_by, expected_on=one.expected_on,
        created_at=now, state_at=now, state_by=actor.ref, state_by_label=actor.label[:120],
    )  # fmt: skip
    FulfillmentLine.objects.bulk_create(
        [
            FulfillmentLine(fulfillment_order=own, order_line_id=line.order_line_id, quantity=n)
            for line, n in units.items()
        ]
    )
    for line, n in units.items():
        line.quantity -= n
        line.save(update_fields=["quantity"])
    one.units -= total
    one.save(update_fields=["units"])


def _settle(one: FulfillmentOrder, *, actor: Actor, now: datetime) -> None:
    """The state of a work order that gave units away: empty, picked in full, free to go, or as it was."""
    left = FulfillmentLine.objects.filter(fulfillment_order=one, quantity__gt=0)
    if one.units == 0:
        state = S.CANCELLED
    elif one.state == S.PICKING and all(line.picked >= line.quantity for line in left):
        state = S.PICKED
    else:
        state = S.OPEN if one.state == S.ON_HOLD else S(one.state)
    _write(one, state, actor=actor, now=now)


def _join_again(one: FulfillmentOrder, lines: Sequence[FulfillmentLine], *, actor: Actor, now: datetime) -> None:
    """Put released units back into the open work at their location that they were taken from, so that they go in one parcel.

    Where that has gone on, has its label, or never had them, they stay work of their own.
    """
    others = FulfillmentOrder.objects.filter(
        order_id=one.order_id, location_id=one.location_id, service=one.service, state=S.OPEN, has_label=False
    )
    for into in others.exclude(pk=one.pk).order_by("pk"):
        there = {line.order_line_id: line for line in FulfillmentLine.objects.filter(fulfillment_order=into)}
        if all(line.order_line_id in there for line in lines):
            for line in lines:
                same = there[line.order_line_id]
                same.quantity, line.quantity = same.quantity + line.quantity, 0
                same.save(update_fields=["quantity"])
                line.save(update_fields=["quantity"])
            into.units, one.units = into.units + one.units, 0
            into.first_bin = min(filter(None, (into.first_bin, one.first_bin)), default="")
            into.ship_by = min(into.ship_by, one.ship_by)
            into.save(update_fields=["units", "first_bin", "ship_by"])
            one.save(update_fields=["units"])
            _write(into, S.OPEN, actor=actor, now=now)
            _write(one, S.CANCELLED, actor=actor, now=now)
            return


def _write(one: FulfillmentOrder, state: str, *, actor: Actor, now: datetime) -> None:
    if state == S.OPEN and one.scheduled_for is not None and one.scheduled_for > now:
        state = S.SCHEDULED  # what waits for its day goes on waiting
    one.state, one.state_at, one.state_by, one.state_by_label = state, now, actor.ref, actor.label[:120]
    one.version += 1
    one.save(update_fields=["state", "state_at", "state_by", "state_by_label", "version"])
