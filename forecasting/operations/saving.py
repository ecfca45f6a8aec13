"""Write forecasts, keep some of them to be held against what comes, and hold them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max

from core.actors import Actor
from core.refusals import Invalid
from core.timeline import record
from forecasting.models import ForecastResult, ForecastSettings, PastForecast

#: A series' forecast is kept once in so many days, and forgotten after a year and a month.
KEPT_EVERY = 7
KEPT_DAYS = 400
SUBJECT = "forecast:settings"

_RESULT_FIELDS = [
    field.name for field in ForecastResult._meta.concrete_fields if field.name not in ("id", "variant", "location")
]
# What came on the days of a forecast; days without stock among them, on which less came than was wanted: at the location, or, for a
# total, at every location that has the variant.
_SETTLE = """
    UPDATE forecasting_pastforecast p
       SET actual = coalesce((SELECT sum(d.ordered - d.cancelled) FROM forecasting_dailydemand d
                               WHERE d.variant_id = p.variant_id AND d.day BETWEEN p.first_day AND p.last_day
                                 AND (p.location_id IS NULL OR d.location_id = p.location_id)), 0),
           stockout_days = (SELECT count(*) FROM generate_series(p.first_day, p.last_day, '1 day') AS day
                             WHERE EXISTS (SELECT FROM inventory_stocklevel l WHERE l.variant_id = p.variant_id
                                              AND (p.location_id IS NULL OR l.location_id = p.location_id))
                               AND NOT EXISTS (
                                   SELECT FROM inventory_stocklevel l
                                    WHERE l.variant_id = p.variant_id AND (p.location_id IS NULL OR l.location_id = p.location_id)
                                      AND NOT EXISTS (SELECT FROM forecasting_stockout s
                                                       WHERE s.variant_id = l.variant_id AND s.location_id = l.location_id
                                                         AND s.first_day <= day AND coalesce(s.last_day, 'infinity') >= day)))
     WHERE p.actual IS NULL AND p.last_day < %s
"""


def save_forecasts(results: Sequence[ForecastResult], pasts: Sequence[PastForecast], *, today: date) -> None:
    """Put new forecasts in the place of the old ones of the same variants, in the caller's transaction. A fixed number of statements."""
    variants = {result.variant_id for result in results}
    keys = {(result.variant_id, result.location_id) for result in results}
    old = ForecastResult.objects.filter(variant_id__in=variants).values_list("pk", "variant_id", "location_id")
    ForecastResult.objects.filter(pk__in=[pk for pk, *key in old if tuple(key) not in keys]).delete()
    ForecastResult.objects.bulk_create(
        results,
        update_conflicts=True,
        unique_fields=["variant", "location"],
        update_fields=_RESULT_FIELDS,
        batch_size=500,
    )
    _keep(pasts, variants, today)


def _keep(pasts: Sequence[PastForecast], variants: set[int], today: date) -> None:
    newest = {
        (row["variant_id"], row["location_id"]): row["newest"]
        for row in PastForecast.objects.filter(
            variant_id__in=variants, first_day__gt=today - timedelta(days=KEPT_EVERY)
        )
        .values("variant_id", "location_id")
        .annotate(newest=Max("first_day"))
    }
    due = [past for past in pasts if (past.variant_id, past.location_id) not in newest]
    PastForecast.objects.bulk_create(due, ignore_conflicts=True, batch_size=1000)


def settle_past_forecasts(*, today: date) -> int:
    """Hold the forecasts whose days are over against what came; forget the oldest. The number settled."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SETTLE, [today])
        settled = cursor.rowcount
        PastForecast.objects.filter(last_day__lt=today - timedelta(days=KEPT_DAYS)).delete()
    return settled


def forget_older_forecasts(*, made_before: datetime) -> int:
    """Delete the forecasts that the newest run did not renew: of variants that nobody asks for any more."""
    return ForecastResult.objects.filter(made_at__lt=made_before).delete()[0]


def save_forecast_settings(*, values: dict[str, float], actor: Actor, now: datetime) -> ForecastSettings:
    """Save how the shop reorders; the next run uses it. Raises Invalid naming the field."""
    for name, value in values.items():
        if name.startswith("service_") and not 0.5 <= value <= 0.999:
            raise Invalid("service_out_of_range", "A service level is between 50 % and 99.9 %.", field=name)
    with transaction.atomic():
        found = ForecastSettings.objects.select_for_update().first() or ForecastSettings()
        changes = {
            name: [str(getattr(found, name)), str(value)]
            for name, value in values.items()
            if getattr(found, name) != value
        }
        for name, value in values.items():
            setattr(found, name, value)
        found.save()
        if changes:
            record(SUBJECT, "forecast.settings_changed", actor=actor, at=now, changes=changes)
    return found
