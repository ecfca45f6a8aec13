"""Goods of one variant and those who wait for them: who would get what by each strategy, and giving it as it was shown.

A plan is made by the very rules and stock by which orders are routed, one order after the other in the sequence of the strategy, each on
what the ones before it left; so what is shown is what giving it then does. It changes nothing and locks nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.utils.translation import gettext as _

from backorders.models import Strategy
from backorders.reading import waiting_orders
from backorders.sharing import Waiting, rank
from core.actors import Actor
from core.geo import Point, locate
from core.refusals import Refusal, Stale
from core.timeline import record
from oms.orchestration.moving_units import demand_at
from oms.orchestration.planning import prepare
from oms.orchestration.route_order import fill_order
from orders.models import Order, OrderLine
from routing.engine.plan import Planner
from routing.engine.types import Demand
from routing.queries import stock_snapshot, with_capacity

#: Orders of a plan; those behind them have their turn with the next one.
MOST_PLANNED = 200
#: Class of the session locks that keep two people from giving the same goods at once.
_LOCK_CLASS = 41_058


@dataclass(frozen=True, slots=True)
class Share:
    """What an order would get of the variant. complete: nothing of the whole order waits after that."""

    order_id: int
    number: str
    customer: str
    placed_at: datetime
    promised_on: date | None
    priority: int
    waiting: int
    gets: int
    complete: bool


@dataclass(frozen=True, slots=True)
class FillPlan:
    """The shares of one strategy in the sequence in which orders are served; `digest` names exactly this outcome."""

    strategy: str
    shares: list[Share]
    digest: str

    @property
    def label(self) -> str:
        return str(Strategy(self.strategy).label)

    @property
    def units(self) -> int:
        return sum(share.gets for share in self.shares)

    @property
    def complete(self) -> int:
        return sum(share.complete for share in self.shares)

    @property
    def served(self) -> int:
        return sum(share.gets > 0 for share in self.shares)


@dataclass(frozen=True, slots=True)
class Filled:
    """What was given. missed: numbers of orders that somebody was faster than."""

    orders: int
    units: int
    missed: list[str]


@dataclass(slots=True)
class _Table:
    """What all plans of a variant share."""

    variant_id: int
    waiting: dict[int, Waiting]
    orders: dict[int, Order]
    demands: dict[int, Demand]
    stock: dict[int, dict[int, int]]
    planner: Planner


def plan_filling(
    variant_id: int, *, now: datetime, strategies: Sequence[str] = tuple(Strategy.values)
) -> list[FillPlan]:
    """Who would get what of a variant now, by each of the strategies. A fixed number of statements, however many wait."""
    table = _table(variant_id, now=now)
    return [_plan(table, strategy) for strategy in strategies]


def fill_as_shown(*, variant_id: int, strategy: str, digest: str, actor: Actor, now: datetime) -> Filled:
    """Give the goods as a plan showed it, one order per transaction, in its sequence.

    Raises Stale when the plan would be another one by now, Refusal `being_filled` while somebody else gives the same goods,
    `unknown_strategy`.
    """
    if strategy not in Strategy.values:
        raise Refusal("unknown_strategy", _("There is no such order of service."))
    with _alone(variant_id):
        [plan] = plan_filling(variant_id, now=now, strategies=[strategy])
        if plan.digest != digest:
            raise Stale("plan_changed", _("Orders or stock have changed since this was shown. Look again."))
        wanted = [share for share in plan.shares if share.gets]
        before = _waiting_units(variant_id, [share.order_id for share in wanted])
        missed = [share.number for share in wanted if not fill_order(share.order_id, actor=actor, now=now)]
        after = _waiting_units(variant_id, [share.order_id for share in wanted])
        given = sum(before.values()) - sum(after.values())
        if wanted:
            record(
                f"variant:{variant_id}", "variant.shared", actor=actor, at=now,
                units=given, orders=len(wanted) - len(missed), strategy=strategy,
            )  # fmt: skip
        return Filled(len(wanted) - len(missed), given, missed)


@contextmanager
def _alone(variant_id: int) -> Iterator[None]:
    """Hold the variant for this giver; the lock goes with the connection, whatever becomes of it."""
    key = [_LOCK_CLASS, variant_id % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        if not cursor.fetchone()[0]:
            raise Refusal("being_filled", _("Somebody else is giving these goods just now. Look again in a moment."))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _waiting_units(variant_id: int, order_ids: Sequence[int]) -> dict[int, int]:
    lines = OrderLine.objects.filter(variant_id=variant_id, order_id__in=list(order_ids))
    units: dict[int, int] = defaultdict(int)
    for order_id, backordered in lines.values_list("order_id", "backordered"):
        units[order_id] += backordered
    return units


def _table(variant_id: int, *, now: datetime) -> _Table:
    waiting, _lines = waiting_orders([variant_id])
    orders = {order.pk: order for order in Order.objects.filter(pk__in=waiting).defer("search", "search_text")}
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order_id__in=waiting).order_by("order_id", "position"):
        lines[line.order_id].append(line)
    points = locate([order.ship_to for order in orders.values()])
    demands = {pk: _demand(point, order, lines[pk]) for (pk, order), point in zip(orders.items(), points, strict=True)}
    ready = prepare()
    stock = stock_snapshot({need.variant_id for demand in demands.values() for need in demand.needs})
    planner = Planner(with_capacity(ready.planner.sites, now=now), ready.basis.rules)
    known = {pk: one for pk, one in waiting.items() if pk in orders}
    return _Table(variant_id, known, orders, demands, stock, planner)


def _demand(point: Point | None, order: Order, lines: Sequence[OrderLine]) -> Demand:
    """All that has no place yet, as filling the order asks for it."""
    units = {
        line.pk: (line.variant_id, line.ordered - line.cancelled - line.allocated)
        for line in lines
        if line.variant_id and line.requires_shipping
    }
    return demand_at(point, order, lines, units)


def _plan(table: _Table, strategy: str) -> FillPlan:
    totals = {variant: sum(at.values()) for variant, at in table.stock.items()}
    sequence = rank(table.waiting.values(), strategy, totals)[:MOST_PLANNED]
    plans = table.planner.plan_batch([table.demands[pk] for pk in sequence], table.stock)
    shares, said = [], [strategy]
    for order_id, plan in zip(sequence, plans, strict=True):
        order, waiting = table.orders[order_id], table.waiting[order_id]
        gets = sum(a.quantity for a in plan.allocations if a.variant_id == table.variant_id)
        shares.append(
            Share(
                order_id, order.number, order.customer_name or order.email, order.placed_at, waiting.promised_on,
                waiting.priority, waiting.needs.get(table.variant_id, 0), gets, bool(plan.allocations) and not plan.backorders,
            )
        )  # fmt: skip
        said += [f"{order_id}:{a.line_id}:{a.site_id}:{a.quantity}" for a in plan.allocations if gets]
    return FillPlan(strategy, shares, hashlib.sha256("|".join(said).encode()).hexdigest()[:32])
