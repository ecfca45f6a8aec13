"""The receipt: what a routing run saw, weighed and decided, as plain JSON.

| field | meaning |
| --- | --- |
| format | 1 |
| rules | id and version of the rule set |
| filters, rankers | their names, in order |
| needs | [line, variant, quantity] for each order line |
| candidates | sites that may ship and have something (ascending ids), with ``units``: one list per line, what each site has of it, and ``values``: one list per ranker, its value for each site (null: says nothing; a null within: unknown) |
| candidates_count | how many there are; if more than are listed, the best ones and those that were compared are listed |
| removed | by filter: count and ids of the sites that it removed; each site stands under the first filter that did |
| no_stock | count and ids of the sites that might ship and have nothing of the order |
| complete | how many candidates could ship everything that can be shipped by themselves |
| chosen | sites, and ``values``: one sum per ranker |
| runner_up | the plan that came next, in the same form, or null; next of all for single sites and small orders, else the best met |
| decided_by | the first ranker whose sums differ between the two, or one of the codes below |
| decided_at | position of that ranker (0 is the first), or null |
| allocations | [line, variant, site, quantity] |
| backorders | [line, variant, quantity] |
| proven | whether the plan is the exact optimum |

Codes: ``only_candidate`` (one site has anything), ``only_complete`` (one site has everything), ``only_way`` (no other set of
sites does), ``not_compared`` (the search was too large to look for a runner-up), ``fewer_parcels`` and ``lowest_id`` (every ranker tied), ``no_stock`` (sites may ship, none has anything),
``no_site`` (no site may ship), ``no_set`` (what sites have does not make a whole set, or not the whole order), ``nothing_to_ship`` (no lines).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .types import Allocation, Backorder, Demand, Plan, Receipt

if TYPE_CHECKING:
    from .plan import Choice, Context, Planner

FORMAT = 1


def nothing(planner: Planner, context: Context, demand: Demand, waiting: Sequence[Backorder] | None = None) -> Plan:
    """The plan of an order that no site can ship anything of, with its receipt.

    waiting: the units that are missing, where sites have some of the order, but nothing that is of use by itself.
    """
    backorders = tuple(Backorder(*need) for need in demand.needs) if waiting is None else tuple(waiting)
    code = "no_set" if waiting else "no_stock" if context.costs else "no_site"
    if not demand.needs:
        code = "nothing_to_ship"
    receipt = _head(planner, context, demand)
    receipt |= {
        "candidates": {"sites": [], "units": [[] for _ in demand.needs], "values": None},
        "candidates_count": 0,
        "no_stock": planner.group(list(context.costs) if waiting is None else []),
        "complete": 0,
        "chosen": None,
        "runner_up": None,
        "decided_by": code,
        "decided_at": None,
        "allocations": [],
        "backorders": [list(backorder) for backorder in backorders],
        "proven": True,
    }
    return Plan(demand.order_id, (), backorders, receipt)


def filled(
    planner: Planner,
    context: Context,
    demand: Demand,
    offers: Mapping[int, Mapping[int, int]],
    packed: Mapping[int, int],
    columns: Sequence[Mapping[int, int] | None],
    choice: Choice,
    allocations: Sequence[Allocation],
    backorders: Sequence[Backorder],
) -> Receipt:
    """The receipt of a plan that ships something. packed: cost by candidate, ascending ids; columns: by ranker."""
    listed = _listed(packed, choice, planner.receipt_sites)
    chosen = planner.ladder.fields(sum([packed[id_] for id_ in choice.sites]))
    other = planner.ladder.fields(sum([packed[id_] for id_ in choice.runner_up]))
    code, at = _decision(planner, choice, chosen, other, len(packed))
    idle = []
    if len(packed) < len(context.costs):
        idle = [id_ for id_ in context.costs if id_ not in packed]
    receipt = _head(planner, context, demand)
    receipt |= {
        "candidates": {
            "sites": listed,
            "units": [[offers[need[1]].get(id_, 0) for id_ in listed] for need in demand.needs],
            "values": _columns(planner, columns, listed),
        },
        "candidates_count": len(packed),
        "no_stock": planner.group(idle),
        "complete": choice.complete,
        "chosen": _side(planner, columns, choice.sites, chosen),
        "runner_up": _side(planner, columns, choice.runner_up, other) if choice.runner_up else None,
        "decided_by": code,
        "decided_at": at,
        "allocations": [list(allocation) for allocation in allocations],
        "backorders": [list(backorder) for backorder in backorders],
        "proven": choice.proven,
    }
    return receipt


def _head(planner: Planner, context: Context, demand: Demand) -> Receipt:
    rules = planner.rules
    return {
        "format": FORMAT,
        "rules": {"id": rules.id, "version": rules.version},
        "filters": [rule.name for rule in rules.filters],
        "rankers": planner.ladder.names,
        "needs": [list(need) for need in demand.needs],
        "removed": context.removed,
    }


def _listed(packed: Mapping[int, int], choice: Choice, limit: int) -> list[int]:
    if len(packed) <= limit:
        return list(packed)
    last = sorted(packed.values())[limit]  # the best that is too many
    best = [id_ for id_, cost in packed.items() if cost < last]
    level = [id_ for id_, cost in packed.items() if cost == last][: limit - len(best)]
    return sorted({*best, *level, *choice.sites, *choice.runner_up})


def _columns(
    planner: Planner, columns: Sequence[Mapping[int, int] | None], listed: Sequence[int]
) -> list[list[Any] | None]:
    """Values of each ranker for the listed sites."""
    values: list[list[Any] | None] = []
    for (_, compiled), column in zip(planner.ladder.rankers, columns, strict=True):
        if column is None:
            values.append(None)
        elif compiled.show is None:
            values.append([column[id_] for id_ in listed])
        else:
            show = compiled.show
            values.append([show(column[id_]) for id_ in listed])
    return values


def _side(
    planner: Planner,
    columns: Sequence[Mapping[int, int] | None],
    sites: Sequence[int],
    sums: Sequence[int],
) -> dict[str, Any]:
    """A set of sites with the sum of each ranker."""
    values = [
        None if column is None else sum_ if compiled.show is None else compiled.show(sum_)
        for (_, compiled), column, sum_ in zip(planner.ladder.rankers, columns, sums, strict=True)
    ]
    return {"sites": list(sites), "values": values}


def _decision(
    planner: Planner, choice: Choice, chosen: Sequence[int], other: Sequence[int], candidates: int
) -> tuple[str, int | None]:
    if candidates == 1:
        return "only_candidate", None
    if not choice.runner_up:
        if choice.complete == 1 and len(choice.sites) == 1:
            return "only_complete", None
        return ("only_way" if choice.compared else "not_compared"), None
    for at, name in enumerate(planner.ladder.names):
        if chosen[at] != other[at]:
            return name, at
    if len(choice.sites) != len(choice.runner_up):
        return "fewer_parcels", None
    return "lowest_id", None
