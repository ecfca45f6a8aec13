"""Other rules on the orders that are open now: what each would decide, beside what the live rules would, with nothing written.

Both are asked on the same stock, so that a difference comes from the rules alone. Each order is looked at by itself, with the stock
that is left and what it has reserved already; orders do not take from one another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.geo import locate
from inventory.models import Reservation
from oms.orchestration.moving_units import demand_of
from oms.orchestration.place_order import is_unroutable
from oms.orchestration.planning import prepare
from orders.models import Order, OrderLine
from orders.states import Fulfillment, Lifecycle
from routing.engine.plan import Planner
from routing.engine.types import Demand, Plan, RuleSet
from routing.queries import stock_snapshot, with_capacity

Stock = dict[int, dict[int, int]]


@dataclass(frozen=True, slots=True)
class Sums:
    """Over all orders looked at: parcels, units that must wait, orders that no location may ship."""

    parcels: int = 0
    waiting: int = 0
    unroutable: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """An order that would go another way. skus: variant id → SKU, for its sentences."""

    order: Order
    live: Plan
    draft: Plan
    skus: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """looked_at: orders with something left to ship, the newest first; changed: those that would go another way."""

    looked_at: int
    changed: list[Changed]
    live: Sums
    draft: Sums


def compare_rules(*, draft: RuleSet, limit: int, now: datetime) -> Comparison:
    """The newest `limit` open orders under the live rules and under the draft; what is not shipped of each. Writes nothing.

    Raises RuleError for rules that the engine cannot run.
    """
    ready = prepare()
    sites = with_capacity(ready.planner.sites, now=now)
    live_planner, draft_planner = Planner(sites, ready.basis.rules), Planner(sites, draft)
    orders = _open_orders(limit)
    lines = _open_lines(orders)
    stock = stock_snapshot(line.variant_id for of_order in lines.values() for line in of_order if line.variant_id)
    own = _own_units([line for of_order in lines.values() for line in of_order])
    locate([order.ship_to for order in orders])  # all at once: demand_of finds each answer remembered
    live, draft_plans, changed, looked_at = [], [], [], 0
    for order in orders:
        demand = _demand(order, lines[order.pk])
        if not demand.needs:
            continue
        looked_at += 1
        there = _with_own(stock, demand, own[order.pk])
        plans = live_planner.plan(demand, there), draft_planner.plan(demand, there)
        live.append(plans[0])
        draft_plans.append(plans[1])
        if decision_of(plans[0]) != decision_of(plans[1]):
            changed.append(
                Changed(order, *plans, {line.variant_id: line.sku for line in lines[order.pk] if line.variant_id})
            )
    return Comparison(looked_at, changed, _sums(live), _sums(draft_plans))


def decision_of(plan: Plan) -> tuple[object, ...]:
    """What a plan does, without why: equal for plans that ship the same units from the same places and let the same wait."""
    return is_unroutable(plan), sorted(plan.allocations), sorted(plan.backorders)


def _open_orders(limit: int) -> list[Order]:
    found = Order.objects.filter(lifecycle=Lifecycle.OPEN).exclude(fulfillment=Fulfillment.FULFILLED)
    return list(found.defer("search_text", "search").order_by("-placed_at", "-id")[:limit])


def _open_lines(orders: Iterable[Order]) -> dict[int, list[OrderLine]]:
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__in=[order.pk for order in orders]).order_by("order_id", "position"):
        lines[line.order_id].append(line)
    return lines


def _demand(order: Order, lines: Sequence[OrderLine]) -> Demand:
    return demand_of(
        order,
        lines,
        {
            line.pk: (line.variant_id, line.ordered - line.cancelled - line.shipped)
            for line in lines
            if line.variant_id and line.requires_shipping
        },
    )


def _own_units(lines: Sequence[OrderLine]) -> dict[int, Stock]:
    """Order id → variant id → location id → units that the order has reserved: it is free to take them again."""
    order_of = {line.reservation_owner: line.order_id for line in lines}
    own: dict[int, Stock] = defaultdict(lambda: defaultdict(dict))
    rows = Reservation.objects.filter(owner__in=list(order_of), quantity__gt=0)
    for owner, variant_id, location_id, quantity in rows.values_list("owner", "variant_id", "location_id", "quantity"):
        at = own[order_of[owner]][variant_id]
        at[location_id] = at.get(location_id, 0) + quantity
    return own


def _with_own(stock: Mapping[int, Mapping[int, int]], demand: Demand, own: Mapping[int, Mapping[int, int]]) -> Stock:
    there = {}
    for need in demand.needs:
        there[need.variant_id] = at = dict(stock.get(need.variant_id, {}))
        for location_id, quantity in own.get(need.variant_id, {}).items():
            at[location_id] = at.get(location_id, 0) + quantity
    return there


def _sums(plans: Sequence[Plan]) -> Sums:
    unroutable = [plan for plan in plans if is_unroutable(plan)]
    routed = [plan for plan in plans if not is_unroutable(plan)]
    parcels = sum(len({a.site_id for a in plan.allocations}) for plan in routed)
    return Sums(parcels, sum(b.quantity for plan in routed for b in plan.backorders), len(unroutable))
