"""The slow part of the forecasting job. It loads the models: import it when a step runs, nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any

from forecasting.engine.pools import Pools
from forecasting.engine.series import Series
from forecasting.evaluation import sample_pools
from forecasting.history import load_histories, variants_after, variants_sample
from forecasting.limits import BACK_DAYS
from forecasting.making import make_forecasts
from forecasting.portions import Worked
from forecasting.queries import forecast_settings

#: Variants of a step, unless its time is over before; a step ends well within a job's lease.
PORTION = 200
STEP_SECONDS = 20.0
#: Variants from which the pools are learned.
SAMPLE = 900


def learn(today: date) -> dict[str, Any]:
    """Pools, as JSON, from a sample that changes from day to day."""
    settings = forecast_settings()
    ids = variants_sample(SAMPLE, since=today - timedelta(days=BACK_DAYS), seed=today.isoformat())
    end = monotonic() + STEP_SECONDS * 2

    def until_time_is_up() -> Iterator[Series]:
        for start in range(0, len(ids), PORTION):
            for history in load_histories(ids[start : start + PORTION], today=today, settings=settings):
                if monotonic() > end:
                    return
                yield history.total

    return sample_pools(until_time_is_up()).as_json()


def forecast_portion(cursor: dict[str, Any], *, today: date, now: datetime) -> Worked:
    """A portion of variants, or as many of it as the time of a step allows; one at least."""
    settings, pools = forecast_settings(), Pools.from_json(cursor["pools"])
    ids = variants_after(cursor["after"], PORTION, since=today - timedelta(days=BACK_DAYS))
    worked = Worked(after=cursor["after"])
    end = monotonic() + STEP_SECONDS
    histories = load_histories(ids, today=today, settings=settings)
    for made in make_forecasts(histories, pools, settings, today=today, now=now):
        worked.results += [one.result for one in made]
        worked.pasts += [one.past for one in made]
        worked.variants += 1
        worked.after = made[0].result.variant_id
        if monotonic() > end:
            return worked
    worked.last = len(ids) < PORTION
    worked.after = ids[-1] if ids else worked.after
    worked.variants = len(ids)
    return worked
