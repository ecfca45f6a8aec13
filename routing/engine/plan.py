"""Planning: from an order, the sites and their stock to a plan and its receipt.

The choice is over sets of sites. Compared are, in this order:

1. units that cannot be filled (as much as can be is always shipped),
2. each ranker's cost, summed over the sites of the set, in the order of the rule set,
3. the number of parcels,
4. the lower site ids.

So exactly one set is best. Within it a line is split only if no chosen site has all of it, and then into the fewest parts;
where several could ship a line, the one that the rankers like best does.

A ``Planner`` compiles a rule set for a set of sites once. Verdicts of filters and costs that depend on country or channel
alone are kept per country and channel. Per order it looks only at sites that have something of it. Most orders have a site
with everything; the search of ``cover.py`` runs only where a split might be better than the best of those, or is needed.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

from . import receipt as receipts
from .allocate import allocate
from .cover import BUDGET, cheapest_cover
from .filters import compile_filters
from .rankers import Compiled, Ranker, compile_rankers
from .sets import worth_placing
from .types import Backorder, Demand, Need, Plan, RuleSet, Site, Stock

RECEIPT_SITES = 100
_MOST_CONTEXTS = 2048
_NOTHING: Mapping[int, int] = {}


class Choice(NamedTuple):
    """The sites chosen and the runner-up, ascending.

    complete: how many sites could have shipped all by themselves. proven: nothing is better. compared: if there is no
    runner-up, then because there is no other way.
    """

    sites: tuple[int, ...]
    runner_up: tuple[int, ...]
    complete: int
    proven: bool
    compared: bool


class Context:
    """What filters and lasting rankers say to demands that are alike in what these read.

    costs: packed cost by site id of each site that passed, ascending. columns: cost by site id for each ranker (None: says
    nothing, or is asked anew for each order). removed: the sites that did not pass, grouped by filter as on the receipt.
    """

    __slots__ = ("columns", "costs", "demand", "lost", "removed")

    def __init__(self, demand: Demand) -> None:
        self.demand = demand
        self.costs: dict[int, int] = {}
        self.columns: list[dict[int, int] | None] = []
        self.lost: dict[str, list[int]] = {}
        self.removed: dict[str, Any] = {}


class Planner:
    """A rule set made ready for a set of sites. ``plan`` changes nothing; a planner may serve any number of orders.

    receipt_sites: no list of sites on a receipt is longer (None: no limit); counts are always complete.
    budget: sites that an exact search may look at before it settles for the best plan met.
    Raises RuleError for a rule that cannot be run, ValueError for a site that is not in order.
    """

    def __init__(
        self,
        sites: Mapping[int, Site],
        rules: RuleSet,
        *,
        receipt_sites: int | None = RECEIPT_SITES,
        budget: int = BUDGET,
    ) -> None:
        self.sites = {id_: sites[id_] for id_ in sorted(sites)}
        self.rules = rules
        self.budget = budget
        self.receipt_sites = receipt_sites if receipt_sites is not None else len(sites)
        self.filters = compile_filters(rules.filters)
        for id_, site in self.sites.items():
            if site.id != id_ or site.rank < 0:
                raise ValueError(f"site {id_}: its id must be its key and its rank 0 or more")
        rankers = compile_rankers(rules.rankers, self.sites)
        self.ladder = Ladder(rankers, len(self.sites))
        read = {name for kind, _ in self.filters for name in kind.reads}
        read |= {name for kind, _ in rankers for name in kind.reads or ()}
        self._key = attrgetter(*sorted(read)) if read else lambda demand: None
        self._contexts: dict[Any, Context] = {}

    def plan(self, demand: Demand, stock: Stock) -> Plan:
        """The best plan for one order on this stock, with its receipt."""
        context = self._context(demand)
        offers, targets = _offers(demand.needs, stock, context.costs)
        needs, found = demand.needs, offers
        waiting: tuple[Backorder, ...] = ()
        if (demand.sets or demand.whole) and targets:
            needs, waiting = worth_placing(demand, offers)
            if not needs:
                return receipts.nothing(self, context, demand, waiting)
            found, targets = _offers(needs, stock, context.costs)
        ids = sorted(set().union(*found.values()))
        if not ids:
            return receipts.nothing(self, context, demand)
        costs, columns = self.ladder.costs(context, demand, ids)
        choice = self._choose(costs, [(wanted, found[v]) for v, wanted in targets.items()])
        best_first = sorted(choice.sites, key=costs.__getitem__)
        allocations, backorders = allocate(needs, best_first, found, targets)
        backorders = waiting or backorders
        receipt = receipts.filled(self, context, demand, offers, costs, columns, choice, allocations, backorders)
        return Plan(demand.order_id, allocations, backorders, receipt, choice.proven)

    def plan_batch(self, demands: Iterable[Demand], stock: Stock) -> list[Plan]:
        """Plans in the order given, each on what the earlier ones left of stock and capacity. ``stock`` is not changed."""
        planner = Planner(self.sites, self.rules, receipt_sites=self.receipt_sites, budget=self.budget)
        left: dict[int, dict[int, int]] = {}
        plans = []
        for demand in demands:
            for _, variant, _ in demand.needs:
                if variant not in left:
                    left[variant] = dict(stock.get(variant, _NOTHING))
            plan = planner.plan(demand, left)
            for _, variant, site, quantity in plan.allocations:
                left[variant][site] -= quantity
            planner.use_capacity(plan)
            plans.append(plan)
        return plans

    def _choose(self, costs: Mapping[int, int], targets: Sequence[tuple[int, Mapping[int, int]]]) -> Choice:
        """The best set of sites. costs: by site id, ascending. targets: units wanted, and the units that each site has."""
        complete: Iterable[int] = costs
        for wanted, found in targets:
            complete = [id_ for id_ in complete if found.get(id_, 0) >= wanted]
        alone = {id_: costs[id_] for id_ in complete}
        if alone:
            best = min(alone, key=alone.__getitem__)  # the first of equals: the lowest id
            if _no_split_is_better(alone[best], costs, alone):
                count = len(alone)
                del alone[best]
                second = (min(alone, key=alone.__getitem__),) if alone else ()
                return Choice((best,), second, count, True, True)
        cover = cheapest_cover(costs, targets, self.budget, self.ladder.minor_bits)
        return Choice(cover.best, cover.second, len(alone), cover.proven, cover.compared)

    def use_capacity(self, plan: Plan) -> None:
        """Let each site of the plan have one order less left today."""
        for id_ in {allocation.site_id for allocation in plan.allocations}:
            site = self.sites[id_]
            if site.capacity_left is not None:
                self.sites[id_] = replace(site, capacity_left=site.capacity_left - 1)
                self._judge_again(id_)

    def _context(self, demand: Demand) -> Context:
        key = self._key(demand)
        context = self._contexts.get(key)
        if context is None:
            if len(self._contexts) >= _MOST_CONTEXTS:
                self._contexts.clear()
            context = self._contexts[key] = self._judge(demand)
        return context

    def _judge(self, demand: Demand) -> Context:
        context = Context(demand)
        passed = []
        for id_, site in self.sites.items():
            name = self._removed_by(site, demand)
            if name is None:
                passed.append(id_)
            else:
                context.lost.setdefault(name, []).append(id_)
        context.removed = {name: self.group(lost) for name, lost in sorted(context.lost.items())}
        self.ladder.settle(context, passed)
        return context

    def _judge_again(self, id_: int) -> None:
        """Take a site that no longer passes out of the contexts. Receipts share ``removed``: it is replaced, not changed."""
        for context in self._contexts.values():
            if id_ not in context.costs:
                continue
            name = self._removed_by(self.sites[id_], context.demand)
            if name is not None:
                del context.costs[id_]
                insort(context.lost.setdefault(name, []), id_)
                context.removed = {**context.removed, name: self.group(context.lost[name])}

    def _removed_by(self, site: Site, demand: Demand) -> str | None:
        for kind, params in self.filters:
            if not kind.passes(site, demand, params):
                return kind.name
        return None

    def group(self, ids: Sequence[int]) -> dict[str, Any]:
        """Sites on a receipt: their number, and the first of them by id."""
        return {"count": len(ids), "sites": list(islice(ids, self.receipt_sites))}


class Ladder:
    """The rankers as one number.

    Each ranker has a field of bits, the first ranker the highest, wide enough for its sum over all sites; the lowest field
    counts parcels. Sums of packed costs then compare exactly as the list of sums would.
    """

    def __init__(self, rankers: Sequence[tuple[Ranker, Compiled]], sites: int) -> None:
        self.rankers = rankers
        self.names = [kind.name for kind, _ in rankers]
        widths = [(compiled.most * sites).bit_length() for _, compiled in rankers]
        low = sites.bit_length()
        self.shifts = [low + sum(widths[k + 1 :]) for k in range(len(rankers))]
        parcels = [k for k, name in enumerate(self.names) if name == "fewest_parcels"]
        self.minor_bits = self.shifts[parcels[0]] if parcels else 0
        self.masks = [(1 << width) - 1 for width in widths]
        self.lasting = [k for k, (kind, _) in enumerate(rankers) if kind.reads is not None]
        self.fresh = [k for k, (kind, _) in enumerate(rankers) if kind.reads is None]

    def settle(self, context: Context, ids: Sequence[int]) -> None:
        """Fill in the context's costs and columns from the rankers whose costs last."""
        context.columns = [None] * len(self.rankers)
        packed = [1] * len(ids)
        for k in self.lasting:
            column = self.rankers[k][1].costs(context.demand, ids)
            if column is not None:
                context.columns[k] = dict(zip(ids, column, strict=True))
                shift = self.shifts[k]
                packed = [sum_ + (cost << shift) for sum_, cost in zip(packed, column, strict=True)]
        context.costs = dict(zip(ids, packed, strict=True))

    def costs(
        self, context: Context, demand: Demand, ids: Sequence[int]
    ) -> tuple[dict[int, int], list[dict[int, int] | None]]:
        """Packed cost by site id, ids ascending, and cost by site id for each ranker (None where it says nothing)."""
        kept = context.costs
        packed = [kept[id_] for id_ in ids]
        if not self.fresh:
            return dict(zip(ids, packed, strict=True)), context.columns
        columns = context.columns.copy()
        for k in self.fresh:
            column = self.rankers[k][1].costs(demand, ids)
            if column is not None:
                columns[k] = dict(zip(ids, column, strict=True))
                shift = self.shifts[k]
                packed = [sum_ + (cost << shift) for sum_, cost in zip(packed, column, strict=True)]
        return dict(zip(ids, packed, strict=True)), columns

    def fields(self, packed: int) -> list[int]:
        """The sum of each ranker's costs in a packed sum."""
        return [packed >> shift & mask for shift, mask in zip(self.shifts, self.masks, strict=True)]


def _offers(
    needs: Sequence[Need], stock: Stock, allowed: Mapping[int, int]
) -> tuple[dict[int, dict[int, int]], dict[int, int]]:
    """By variant: the units that each allowed site has, and how many of those wanted can be filled (if any)."""
    wanted: dict[int, int] = {}
    for _, variant, quantity in needs:
        wanted[variant] = wanted.get(variant, 0) + quantity
    offers, targets = {}, {}
    for variant, quantity in wanted.items():
        offers[variant] = found = {
            id_: units for id_, units in stock.get(variant, _NOTHING).items() if units > 0 and id_ in allowed
        }
        if found:
            targets[variant] = min(quantity, sum(found.values()))
    return offers, targets


def _no_split_is_better(best: int, costs: Mapping[int, int], alone: Mapping[int, int]) -> bool:
    """True if any two sites that are not complete cost more together. (A complete site is in no split: it needs no other.)"""
    others = [cost for id_, cost in costs.items() if id_ not in alone]
    if len(others) < 2:
        return True
    cheapest = min(others)
    others.remove(cheapest)
    return cheapest + min(others) >= best


def plan_order(demand: Demand, sites: Mapping[int, Site], stock: Stock, rules: RuleSet) -> Plan:
    """The best plan for one order. For more than one order build a Planner once."""
    return Planner(sites, rules).plan(demand, stock)


def plan_batch(demands: Iterable[Demand], sites: Mapping[int, Site], stock: Stock, rules: RuleSet) -> list[Plan]:
    """Plans in the order given; nothing is promised twice. ``sites`` and ``stock`` are not changed."""
    return Planner(sites, rules).plan_batch(demands, stock)
