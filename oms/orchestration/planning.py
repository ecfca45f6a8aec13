"""Route demands on stock that others want too: plan on what is committed, lock only what was chosen, check, or plan again.

Locks are taken in one order (stock levels by variant and location, then the day counters of locations), so nobody deadlocks. A plan
that lost its units to somebody faster gives its locks back and is made again; the third time everything that could matter is locked
first, so it ends. Nothing is refused that could have been served.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from inventory.models import Location
from inventory.operations import Claim, Level, lock_levels
from inventory.operations.reservations import shortages
from routing.engine.plan import Planner
from routing.engine.types import Demand, Plan, Site
from routing.queries import (
    Basis,
    active_locations,
    current_basis,
    load_sites,
    local_days,
    stock_snapshot,
    unreleased,
    variant_level_keys,
    with_capacity,
)

OPTIMISTIC_TRIES = 2
_kept: dict[str, Prepared] = {}

_TAKE_CAPACITY = """
    INSERT INTO inventory_locationday AS d (location_id, day, assigned)
    SELECT * FROM unnest(%s::bigint[], %s::date[], %s::int[]) ON CONFLICT (location_id, day) DO UPDATE SET assigned = d.assigned + EXCLUDED.assigned
    RETURNING d.location_id, d.assigned
"""


class Routed:
    """Plans whose units are locked and checked, with what was read under lock. Nothing is written yet but the day counters."""

    def __init__(
        self,
        plans: list[Plan],
        claims: list[Claim],
        levels: Mapping[tuple[int, int], Level],
        terms: Mapping[int, Location],
    ) -> None:
        self.plans = plans
        self.claims = claims
        self.levels = levels
        self.terms = terms


@dataclass(frozen=True, slots=True)
class Prepared:
    """The live rules compiled for the locations in use, and how those work."""

    basis: Basis
    planner: Planner
    locations: dict[int, Location]


def prepare() -> Prepared:
    """Rules and locations made ready; kept by this process until a location or the rules change."""
    basis = current_basis()
    kept = _kept.get("ready")
    if kept is None or kept.basis != basis:
        locations = active_locations()
        kept = _kept["ready"] = Prepared(basis, Planner(load_sites(locations), basis.rules), locations)
    return kept


def plan_all(planner: Planner, demands: Sequence[Demand], stock: Mapping[int, Mapping[int, int]]) -> list[Plan]:
    """Plans of the demands in order, each on what the earlier ones left."""
    return [planner.plan(demands[0], stock)] if len(demands) == 1 else planner.plan_batch(demands, stock)


def route_and_lock(demands: Sequence[Demand], *, now: datetime) -> Routed:
    """Plan the demands and lock the stock they take; for use inside the caller's transaction, which writes the reservations."""
    ready = prepare()
    base = ready.planner
    limited = any(site.capacity_left is not None for site in base.sites.values())
    variants = {need.variant_id for demand in demands for need in demand.needs}
    for _try in range(OPTIMISTIC_TRIES):
        planner = Planner(with_capacity(base.sites, now=now), base.rules) if limited else base
        plans = plan_all(planner, demands, stock_snapshot(variants))
        claims = claims_of(plans)
        point = transaction.savepoint()
        levels = lock_levels((c.variant_id, c.location_id) for c in claims)
        if not shortages(claims, levels) and (not limited or _take_capacity(plans, base.sites, now=now)):
            transaction.savepoint_commit(point)
            return Routed(plans, claims, levels, ready.locations)
        transaction.savepoint_rollback(point)  # gives back the locks too
    return _route_under_lock(ready, demands, variants, limited=limited, now=now)


def _route_under_lock(
    ready: Prepared, demands: Sequence[Demand], variants: set[int], *, limited: bool, now: datetime
) -> Routed:
    base = ready.planner
    levels = lock_levels(variant_level_keys(variants))
    stock: dict[int, dict[int, int]] = defaultdict(dict)
    waiting = unreleased(variants)
    for (variant_id, location_id), level in levels.items():
        if level.available > 0 and variant_id not in waiting:
            stock[variant_id][location_id] = level.available
    planner = Planner(with_capacity(base.sites, now=now, lock=True), base.rules) if limited else base
    plans = plan_all(planner, demands, stock)
    if limited:
        _take_capacity(plans, base.sites, now=now)
    return Routed(plans, claims_of(plans), levels, ready.locations)


def claims_of(plans: Sequence[Plan]) -> list[Claim]:
    """The stock that plans take, owned by their order lines."""
    return [
        Claim(a.variant_id, a.site_id, f"order_line:{a.line_id}", a.quantity)
        for plan in plans
        for a in plan.allocations
    ]


def _take_capacity(plans: Sequence[Plan], sites: Mapping[int, Site], *, now: datetime) -> bool:
    """Count the plans' parcels against today's capacity of their locations; False when one has too little left."""
    parcels = Counter(
        site
        for plan in plans
        for site in {a.site_id for a in plan.allocations}
        if sites[site].capacity_left is not None
    )
    if not parcels:
        return True
    days = local_days(parcels, now=now)
    ids = sorted(parcels)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_CAPACITY, [ids, [days[i] for i in ids], [parcels[i] for i in ids]])
        return all(assigned <= (sites[location].capacity_left or 0) for location, assigned in cursor.fetchall())
