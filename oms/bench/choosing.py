"""Routing one order over many locations: the engine alone, on data in memory, with its receipt."""

from __future__ import annotations

import random
from datetime import datetime

from oms.bench.measuring import Figure, Meter
from routing.engine.plan import Planner
from routing.engine.types import Demand, Need, Site
from routing.queries import DEFAULT_RULES, engine_rules

TIMES = 300


def bench_routing(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """10, 100 and 1,000 locations; 1, 3 and 12 lines; raw is one look at every location's stock of every line."""
    return [_figure(meter, sites, lines) for sites in (10, 100, 1000) for lines in (1, 3, 12)]


def _figure(meter: Meter, count: int, lines: int) -> Figure:
    chance = random.Random(count * 100 + lines)
    sites = {
        n: Site(
            n,
            f"Site {n}",
            "warehouse",
            chance.choice(["PL", "DE", "TR"]),
            chance.uniform(36, 55),
            chance.uniform(5, 40),
            rank=n % 7,
        )
        for n in range(1, count + 1)
    }
    stock = {
        variant: {n: chance.randint(1, 9) for n in sites if chance.random() < 0.95} for variant in range(1, lines + 1)
    }
    planner = Planner(sites, engine_rules(1, DEFAULT_RULES))
    demands = [
        Demand(
            i,
            1,
            "PL",
            chance.uniform(49, 54),
            chance.uniform(14, 24),
            tuple(Need(k, k, 1) for k in range(1, lines + 1)),
        )
        for i in range(TIMES)
    ]
    planner.plan(demands[0], stock)
    figure = meter.run(
        f"routing: {count} locations, {lines} lines", [lambda d=d: planner.plan(d, stock) for d in demands]
    )
    raw = meter.run("raw", [lambda: [sum(1 for n in sites if at.get(n, 0) >= 1) for at in stock.values()]] * TIMES)
    return figure.against(raw)
