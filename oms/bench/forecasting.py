"""Forecasts at scale: keeping the demand of a year, and the nightly job over many variants, a tenth of them fast."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from core.jobs import run_job
from core.models import Job
from forecasting import running
from forecasting.engine.candidates import library
from forecasting.engine.pools import Pools
from forecasting.jobs import start_forecasts
from forecasting.models import DailyDemand, ForecastResult
from forecasting.operations.demand import rebuild_demand, refresh_demand
from inventory.models import Location, Variant
from oms.bench.data import ACTOR, make_shop, use_database
from oms.bench.measuring import Figure, Meter
from orders.queries import shop_zone

DAYS = 365
LOCATIONS = 2
#: Of ten variants one sells on most days, four weekly or oftener, five rarely: chance of a demand on a day.
_CHANCES = (0.97, 0.5, 0.4, 0.3, 0.2, 0.08, 0.07, 0.06, 0.05, 0.04)


def bench_forecast(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """size: variants, each at two locations: three series. The job's steps one by one, with saving; reading kept demand is in it."""
    use_database(f"forecast_{size}", lambda: _fill(size, now))
    ForecastResult.objects.all().delete()
    today = now.astimezone(shop_zone()).date()
    library()  # loading it is no part of a forecast
    figures = [
        meter.run(
            "forecast: learn the pools", [lambda: running.learn(today)], note="once a night, from at most 900 variants"
        )
    ]
    job = start_forecasts(actor=ACTOR, now=now)
    run = meter.run("forecast: the whole job, a variant", [lambda: run_job(job.pk, clock=lambda: now)], per_call=size)
    made = ForecastResult.objects.count()
    run.note = f"{made:,} series of {size:,} variants; {60_000 / run.server_ms:,.0f} variants a CPU minute"
    if Job.objects.get(pk=job.pk).done != size:
        raise RuntimeError("some variants were not done")
    cursor = {"after": 0, "pools": Pools.first_guess().as_json()}
    portion = meter.run(
        "forecast: a variant, nothing saved", [lambda: running.forecast_portion(cursor, today=today, now=now)],
        per_call=min(size, running.PORTION),
    )  # fmt: skip
    return [*figures, run, portion]


def _fill(size: int, now: datetime) -> None:
    make_shop(locations=LOCATIONS, variants=size, units=100, now=now)
    rebuild_demand(now=now)  # nothing is ordered; what is kept is put in by hand
    while refresh_demand(now=now):
        pass
    chance = random.Random(7)
    today = now.astimezone(shop_zone()).date()
    locations = list(Location.objects.order_by("pk").values_list("pk", flat=True)[:LOCATIONS])
    rows = []
    for n, variant_id in enumerate(Variant.objects.order_by("pk").values_list("pk", flat=True)):
        often = _CHANCES[n % len(_CHANCES)]
        rows += [
            DailyDemand(
                variant_id=variant_id, location_id=location_id, day=today - timedelta(days=back), ordered=chance.choice((1, 1, 2, 3))
            )
            for back in range(1, DAYS + 1)
            for location_id in locations
            if chance.random() < often
        ]  # fmt: skip
    DailyDemand.objects.bulk_create(rows, batch_size=5000)
