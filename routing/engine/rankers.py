"""Rankers: who is better.

Every ranker gives each site a cost, a whole number ≥ 0 that depends on the site and the destination alone; a plan's cost
is the sum over the sites it ships from. That is the one property which the exact search rests on: rankers in lexicographic
order are then one totally ordered sum, and a parcel more is never an improvement.

| ranker | cost of a site | of a plan |
| --- | --- | --- |
| fewest_parcels | 1 | number of parcels |
| stay_in_market | 1 outside the destination's market | parcels from outside the market |
| nearest | km to the destination, in steps | km over all parcels |
| ranked_locations | the site's rank | sum of ranks |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .geo import EARTH_RADIUS_KM, MAX_DISTANCE_KM, distances, unit_vector
from .parameters import Param, RuleError, gettext_noop, settle
from .types import Demand, Rule, Site

Costs = Callable[[Demand, Sequence[int]], list[int] | None]
Show = Callable[[int], float | None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A ranker made ready for a set of sites.

    costs: cost of each of the given site ids, or None where the ranker has nothing to say about this demand.
    most: no site costs more. show: a cost, or a plan's sum of costs, as it
    stands on a receipt (None: as it is).
    """

    costs: Costs
    most: int
    show: Show | None = None


@dataclass(frozen=True, slots=True)
class Ranker:
    """One kind of ranker. reads: as for Filter; None if its costs differ from order to order and are not worth keeping."""

    name: str
    label: str
    compile: Callable[[Mapping[int, Site], Mapping[str, Any]], Compiled]
    reads: tuple[str, ...] | None = ()
    params: tuple[Param, ...] = ()


def _fewest_parcels(sites: Mapping[int, Site], params: Mapping[str, Any]) -> Compiled:
    return Compiled(lambda demand, ids: [1] * len(ids), 1)


def _stay_in_market(sites: Mapping[int, Site], params: Mapping[str, Any]) -> Compiled:
    groups: tuple[frozenset[str], ...] = params["markets"]

    def costs(demand: Demand, ids: Sequence[int]) -> list[int] | None:
        if not demand.country:
            return None
        market = {demand.country}.union(*(group for group in groups if demand.country in group))
        return [0 if sites[id_].country in market else 1 for id_ in ids]

    return Compiled(costs, 1)


def _nearest(sites: Mapping[int, Site], params: Mapping[str, Any]) -> Compiled:
    """Kilometres from haversine (``geo.py``), counted in whole steps so that sums are exact and near-ties are ties."""
    step = float(params["step_km"])
    vectors = {
        site.id: None if site.lat is None or site.lon is None else unit_vector(site.lat, site.lon)
        for site in sites.values()
    }
    # More than any plan of sites with known places can sum up to: one unknown site ranks behind them all.
    unknown = (int(MAX_DISTANCE_KM / step) + 1) * max(len(sites), 1) + 1
    scale = 2.0 * EARTH_RADIUS_KM / step

    def costs(demand: Demand, ids: Sequence[int]) -> list[int] | None:
        if demand.lat is None or demand.lon is None:
            return None
        origin = unit_vector(demand.lat, demand.lon)
        return [
            unknown if steps is None else round(steps)
            for steps in distances(origin, [vectors[id_] for id_ in ids], scale)
        ]

    def show(cost: int) -> float | None:
        return None if cost >= unknown else round(cost * step, 1)

    def show_tenths(cost: int) -> float | None:
        return None if cost >= unknown else cost / 10

    return Compiled(costs, unknown, show_tenths if step == 0.1 else show)


def _ranked_locations(sites: Mapping[int, Site], params: Mapping[str, Any]) -> Compiled:
    worst = max((site.rank for site in sites.values()), default=0)
    return Compiled(lambda demand, ids: [sites[id_].rank for id_ in ids], worst)


RANKERS: dict[str, Ranker] = {
    kind.name: kind
    for kind in (
        Ranker("fewest_parcels", gettext_noop("Fewest parcels"), _fewest_parcels),
        Ranker(
            "stay_in_market",
            gettext_noop("Stay in the market"),
            _stay_in_market,
            reads=("country",),
            params=(
                Param(
                    "markets",
                    gettext_noop("Countries that are one market"),
                    "country_groups",
                    (),
                    help=gettext_noop("Lists of countries; a country in no list is a market by itself."),
                ),
            ),
        ),
        Ranker(
            "nearest",
            gettext_noop("Nearest"),
            _nearest,
            reads=None,
            params=(
                Param(
                    "step_km",
                    gettext_noop("Distance step (km)"),
                    "number",
                    0.1,
                    0.1,
                    gettext_noop("Distances that round to the same step are a tie for the next rule."),
                ),
            ),
        ),
        Ranker("ranked_locations", gettext_noop("Ranked locations"), _ranked_locations),
    )
}


def compile_rankers(rules: Iterable[Rule], sites: Mapping[int, Site]) -> tuple[tuple[Ranker, Compiled], ...]:
    """The rule set's rankers, ready for these sites. Raises RuleError."""
    compiled = []
    for rule in rules:
        kind = RANKERS.get(rule.name)
        if kind is None:
            raise RuleError(rule.name, None, f"there is no ranker {rule.name!r}")
        compiled.append((kind, kind.compile(sites, settle(rule.name, kind.params, rule.params))))
    return tuple(compiled)
