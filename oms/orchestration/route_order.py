"""Route what has no place yet; fill back-orders in the shop's order of service; try rules on an order without changing anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from backorders.operations import filling_settings
from backorders.queries import waiting_for_stock
from core.actors import Actor
from core.timeline import record
from inventory.models import Reservation
from inventory.operations import lock_levels
from oms.orchestration.moving_units import demand_of, place_units, take_back_units
from oms.orchestration.place_order import is_unroutable
from oms.orchestration.planning import prepare
from orders.models import Order, OrderLine
from orders.operations import lock_order, refresh_order
from orders.states import Lifecycle
from routing.engine.plan import Planner
from routing.engine.types import Plan, RuleSet
from routing.queries import stock_snapshot, variant_level_keys, with_capacity

#: Orders looked at in one go; the rest follows with the next call.
FILL_BATCH = 2000


def route_order(
    *, order_id: int, cause: str = "rerouted", actor: Actor, now: datetime, again: bool = False
) -> Plan | None:
    """Route all units of an order that have no place: unplaced and back-ordered ones; None when there are none.

    again: take unpicked units back first, so that the order is routed anew as a whole.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        if order.lifecycle != Lifecycle.OPEN:
            return None
        lines = list(order.lines.select_for_update(no_key=True).order_by("pk"))
        if again:
            by_id = {line.pk: line for line in lines}
            # Given back and taken anew in one transaction: everything it may touch is locked at once, in order.
            lock_levels(variant_level_keys(line.variant_id for line in lines if line.variant_id))
            take_back_units(
                order,
                by_id,
                {pk: line.allocated - line.picked for pk, line in by_id.items()},
                actor=actor,
                now=now,
                announce=False,
            )
        units = {
            line.pk: (line.variant_id, line.to_place + line.backordered)
            for line in lines
            if line.variant_id and line.requires_shipping
        }
        for line in lines:
            line.backordered = 0
        plan = place_units(order, lines, units, cause=cause, actor=actor, now=now)
        if plan is None:
            return None
        refresh_order(order, now=now, lines=lines)
        record(
            order.subject, "order.routed", actor=actor, at=now, cause=cause, units=sum(a.quantity for a in plan.allocations),
            backordered=0 if is_unroutable(plan) else sum(b.quantity for b in plan.backorders), unroutable=is_unroutable(plan),
        )  # fmt: skip
        return plan


def fill_backorders(
    *, variant_ids: Iterable[int] | None = None, actor: Actor, now: datetime, limit: int = FILL_BATCH
) -> int:
    """Give stock that came in to those who wait for it, in the shop's order of service; the number of orders that got some.

    variant_ids: only orders that wait for these. An order is looked at only while one of its variants can be promised. Where the
    shop wants a person to decide, nothing is filled here: see `oms.orchestration.filling`.
    """
    how = filling_settings()
    if how.ask_first:
        return 0
    filled = 0
    for order_id in waiting_for_stock(variant_ids, strategy=how.strategy, limit=limit):
        if can_get_any(order_id) and fill_order(order_id, actor=actor, now=now):
            filled += 1
    return filled


def route_waiting(*, actor: Actor, now: datetime, limit: int = FILL_BATCH) -> int:
    """Try again to route orders that no location could ship (rules or capacity may have changed); the number that got a place."""
    ids = Order.objects.filter(needs_routing=True).order_by("-placed_at", "-id").values_list("pk", flat=True)[:limit]
    placed = 0
    for order_id in list(ids):
        if _preview_allocates(order_id, now=now):
            plan = route_order(order_id=order_id, cause="retried", actor=actor, now=now)
            placed += bool(plan and plan.allocations)
    return placed


def can_get_any(order_id: int) -> bool:
    """True while one of the variants that an order waits for can be promised."""
    lines = OrderLine.objects.filter(order_id=order_id, backordered__gt=0, variant__awaits_release=False)
    return lines.filter(variant__levels__available__gt=0).exists()


def _preview_allocates(order_id: int, *, now: datetime) -> bool:
    tried = try_routing(order_id=order_id, now=now)
    return bool(tried.plan and tried.plan.allocations)


def fill_order(order_id: int, *, actor: Actor, now: datetime) -> bool:
    """Give an order what it can get now, in a transaction of its own; True when it got something."""
    if not _preview_allocates(order_id, now=now):
        return False
    plan = route_order(order_id=order_id, cause="backorder", actor=actor, now=now)
    return bool(plan and plan.allocations)


@dataclass(frozen=True, slots=True)
class Tried:
    """What rules would do with an order's open units now. plan is None when nothing is open."""

    order: Order
    plan: Plan | None


def try_routing(*, order_id: int, now: datetime, rules: RuleSet | None = None, whole: bool = False) -> Tried:
    """Ask what would be decided for the units without a place (whole: for all that is not shipped), writing nothing."""
    order = Order.objects.get(pk=order_id)
    units = {}
    lines = list(order.lines.all())
    for line in lines:
        if line.variant_id and line.requires_shipping:
            open_units = line.ordered - line.cancelled - (line.shipped if whole else line.allocated)
            units[line.pk] = (line.variant_id, open_units)
    demand = demand_of(order, lines, units)
    if not demand.needs:
        return Tried(order, None)
    ready = prepare()
    rules = rules or ready.basis.rules
    sites = with_capacity(ready.planner.sites, now=now)
    stock = stock_snapshot(need.variant_id for need in demand.needs)
    if whole:
        _add_own_units(lines, stock)
    return Tried(order, Planner(sites, rules).plan(demand, stock))


def _add_own_units(lines: Iterable[OrderLine], stock: dict[int, dict[int, int]]) -> None:
    """What the order itself has reserved is free for it to take again."""
    owners = [line.reservation_owner for line in lines]
    for variant_id, location_id, quantity in Reservation.objects.filter(owner__in=owners, quantity__gt=0).values_list(
        "variant_id", "location_id", "quantity"
    ):
        at = stock.setdefault(variant_id, {})
        at[location_id] = at.get(location_id, 0) + quantity
