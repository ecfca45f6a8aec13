"""What the use cases share that take units of an order from its work orders, or give them some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from core.actors import Actor
from core.geo import Point, locate
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.assignment import (
    Assignment,
    Withdrawn,
    create_fulfillment_orders,
    next_part,
    service_of,
    withdraw_units,
)
from fulfillment.operations.setting_aside import arrange_work
from fulfillment.states import ACTIVE_STATES
from inventory.operations import Claim, release
from inventory.operations.reservations import write_reservations
from oms.orchestration.place_order import is_unroutable, version_of
from oms.orchestration.planning import Routed, route_and_lock
from orders.models import Order, OrderLine
from orders.queries import stopped_by_holds
from routing.engine.types import Demand, Member, Need, Plan
from routing.operations import record_decisions


def demand_of(order: Order, lines: Iterable[OrderLine], units: Mapping[int, tuple[int, int]]) -> Demand:
    """What the engine is asked: line id → (variant id, units) of one order. lines: those of the order, for the bundles among them."""
    return demand_at(locate([order.ship_to])[0], order, lines, units)


def demand_at(
    point: Point | None, order: Order, lines: Iterable[OrderLine], units: Mapping[int, tuple[int, int]]
) -> Demand:
    """The same where it is known where the order goes (many orders are located at once)."""
    lat, lon = point or (None, None)
    needs = tuple(
        Need(line_id, variant_id, quantity) for line_id, (variant_id, quantity) in sorted(units.items()) if quantity > 0
    )
    return Demand(order.pk, order.channel_id, order.ship_country, lat, lon, needs, _sets(lines, units))


def _sets(lines: Iterable[OrderLine], units: Mapping[int, tuple[int, int]]) -> tuple[tuple[Member, ...], ...]:
    """The components of each bundle; units that have their place or were given up complete a set as well as new ones."""
    sets: dict[int, list[Member]] = defaultdict(list)
    for line in lines:
        if line.bundle_id and line.pk in units:
            sets[line.bundle_id].append(Member(line.pk, line.per_bundle or 1, line.ordered - units[line.pk][1]))
    return tuple(map(tuple, sets.values()))


def place_units(
    order: Order,
    lines: Sequence[OrderLine],
    units: Mapping[int, tuple[int, int]],
    *,
    cause: str,
    actor: Actor,
    now: datetime,
) -> Plan | None:
    """Route units of a locked order (line id → (variant id, units)) and give them work orders; None when there are none.

    Raises the lines' allocated and backordered counts; units count as back-ordered when a location may ship but has none. The
    receipt is kept. The caller refreshes the order.
    """
    demand = demand_of(order, lines, units)
    if not demand.needs:
        return None
    routed = route_and_lock([demand], now=now)
    plan = routed.plans[0]
    if plan.allocations:
        stopped = stopped_by_holds(order.pk)
        _give_work(order, routed, held=stopped.whole > 0, actor=actor, now=now)
        if stopped.lines:
            arrange_work(order, actor=actor, now=now)
    allocated: dict[int, int] = defaultdict(int)
    for allocation in plan.allocations:
        allocated[allocation.line_id] += allocation.quantity
    waiting = {} if is_unroutable(plan) else {line_id: quantity for line_id, _variant, quantity in plan.backorders}
    for line in lines:
        if line.pk in units:
            line.allocated += allocated[line.pk]
            line.backordered = waiting.get(line.pk, 0)
            line.save(update_fields=["allocated", "backordered"])
    record_decisions([(order.pk, version_of(plan), plan.receipt)], cause=cause, now=now)
    return plan


def _give_work(order: Order, routed: Routed, *, held: bool, actor: Actor, now: datetime) -> None:
    assignment = Assignment(
        order.pk,
        routed.plans[0].allocations,
        service_of(order.shipping_method),
        order.ship_country,
        held,
        next_part(order.pk),
        postal_code=order.ship_to.postal_code,
    )
    create_fulfillment_orders([assignment], routed.levels, routed.terms, actor=actor, now=now)
    write_reservations(routed.claims, {claim.owner: order.subject for claim in routed.claims}, actor=actor, now=now)
    if assignment.due:
        order.ship_by = min(order.ship_by, assignment.due) if order.ship_by else assignment.due
    if assignment.earliest:
        order.expected_from = (
            max(order.expected_from, assignment.earliest) if order.expected_from else assignment.earliest
        )
    if assignment.expected:
        order.expected_on = max(order.expected_on, assignment.expected) if order.expected_on else assignment.expected


def take_back_units(
    order: Order,
    lines: Mapping[int, OrderLine],
    wanted: Mapping[int, int],
    *,
    actor: Actor,
    now: datetime,
    announce: bool = True,
) -> list[Withdrawn]:
    """Take unpicked units of a locked order back from their work orders and give their stock back; lowers the lines' allocated.

    wanted: line id → units; fewer may come back. The lines are not saved; the caller does that with its own changes.
    """
    taken = withdraw_units(order_id=order.pk, wanted=wanted, actor=actor, now=now)
    for item in taken:
        lines[item.line_id].allocated -= item.quantity
    claims = [Claim(t.variant_id, t.location_id, f"order_line:{t.line_id}", t.quantity) for t in taken]
    release(claims, cause=order.subject, actor=actor, now=now, announce=announce)
    active = FulfillmentOrder.objects.filter(order=order, state__in=ACTIVE_STATES)
    order.ship_by = min(active.values_list("ship_by", flat=True), default=None)
    return taken
