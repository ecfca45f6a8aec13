"""What was asked for day by day, and what that says of the days to come."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.models import at_most, not_negative
from inventory.models import Location, Variant

#: Cover that has no end in sight: nothing is asked for. Stored, so that the list can sort by it.
ENDLESS = 9_999.0


class DailyDemand(models.Model):
    """Units of one variant ordered on one day of the shop's zone, by the location that was to ship them.

    location is null where none is known: orders that arrived finished from elsewhere, units that wait for goods or for routing. The
    demand of a variant in total is the sum over all its rows of a day, the null one among them. Days without demand have no row.
    """

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    ordered = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField(default=0)  # of those ordered
    waiting = models.PositiveIntegerField(default=0)  # of those ordered: had no stock anywhere (back-ordered)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["variant", "day", "location"], name="daily_demand_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(ordered__gt=0) & at_most("cancelled", "ordered") & at_most("waiting", "ordered"),
                name="daily_demand_adds_up",
            ),
        ]
        indexes = [models.Index(fields=["day"], name="daily_demand_of_day")]


class StaleDemand(models.Model):
    """A day whose orders have changed since its demand was made."""

    day = models.DateField(unique=True)


class DemandState(models.Model):
    """Of what the kept demand was made (one row)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    time_zone = models.CharField(max_length=64)  # the zone whose days they are
    orders_seen_at = models.DateTimeField(null=True)  # orders changed since then are looked at again

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="demand_state_is_one")]


class Stockout(models.Model):
    """Days on which nothing of a variant could be promised at a location from midnight to midnight; no end while it lasts."""

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+", db_index=False)
    first_day = models.DateField()
    last_day = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "location", "first_day"], name="stockout_once"),
            models.UniqueConstraint(
                fields=["variant", "location"], name="stockout_one_open", condition=Q(last_day__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(last_day__isnull=True) | Q(last_day__gte=F("first_day")), name="stockout_ends_after_start"
            ),
        ]


class StaleLevel(models.Model):
    """A level whose ledger grew since its days without stock were made."""

    variant_id = models.BigIntegerField()
    location_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["variant_id", "location_id"], name="stale_level_once")]


class Speed(models.TextChoices):
    """How often it is asked for, which decides the service level: by the average days between two sales (ADI)."""

    FAST = "fast", _("Fast")  # below 1.32: on three days of four
    SLOW = "slow", _("Slow")  # below 7: weekly or oftener
    INTERMITTENT = "intermittent", _("Intermittent")  # rarer


class Pattern(models.TextChoices):
    """Syntetos, Boylan and Croston's classes (2005, J. Oper. Res. Soc. 56): ADI 1.32 and CV² 0.49 divide them."""

    SMOOTH = "smooth", _("Smooth")
    ERRATIC = "erratic", _("Erratic")
    INTERMITTENT = "intermittent", _("Intermittent")
    LUMPY = "lumpy", _("Lumpy")
    NEW = "new", _("Little history")  # too few sales for a back-test of its own


class ForecastSettings(models.Model):
    """How the shop reorders (one row): lead time where no supplier tells one, review period, cover and service by speed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    lead_time_days = models.FloatField(_("lead time (days)"), default=14)
    lead_time_sd = models.FloatField(_("spread of the lead time (days, standard deviation)"), default=4)
    review_days = models.PositiveSmallIntegerField(_("days between two orders"), default=7)
    cover_days = models.PositiveSmallIntegerField(_("days an order should last"), default=30)
    service_fast = models.FloatField(_("service level, fast"), default=0.97)
    service_slow = models.FloatField(_("service level, slow"), default=0.95)
    service_intermittent = models.FloatField(_("service level, intermittent"), default=0.90)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="forecast_settings_is_one"),
            models.CheckConstraint(
                condition=Q(lead_time_days__gt=0, lead_time_sd__gte=0), name="forecast_settings_lead_time"
            ),
            models.CheckConstraint(
                condition=Q(service_fast__gt=0, service_fast__lt=1, service_slow__gt=0, service_slow__lt=1)
                & Q(service_intermittent__gt=0, service_intermittent__lt=1),
                name="forecast_settings_service",
            ),
        ]

    def service_of(self, speed: str) -> float:
        """The service level of a speed, 0 to 1."""
        return float(getattr(self, f"service_{speed}"))


class ForecastResult(models.Model):
    """The newest forecast of a variant, at one location or in total (location null). Quantities are units, times are days.

    reorder_point and order_up_to are in units of stock position: available plus incoming.
    """

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="forecasts", db_index=False)
    location = models.ForeignKey(Location, null=True, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    first_day = models.DateField()  # day 1 of the horizon
    model = models.CharField(max_length=24)  # key of forecasting.naming.MODELS
    pattern = models.CharField(max_length=12, choices=Pattern.choices)
    speed = models.CharField(max_length=12, choices=Speed.choices)
    history_days = models.PositiveIntegerField()
    stockout_days = models.PositiveIntegerField()  # of those, left out
    mean_daily = models.FloatField()
    p50_daily = models.FloatField()
    p90_daily = models.FloatField()
    daily_variance = models.FloatField()  # of a day's demand about its forecast
    drift = (
        models.FloatField()
    )  # relative standard deviation of the level itself: how wrong the forecast may be for good
    horizon = models.JSONField()  # {"mean": […], "p50": […], "p90": […]} by day from first_day
    lead_time_mean = models.FloatField()
    lead_time_sd = models.FloatField()
    lead_time_p90 = models.FloatField()
    review_days = models.PositiveSmallIntegerField()
    service_level = models.FloatField()
    lead_demand_p50 = models.FloatField()  # over lead time and review period
    lead_demand_p90 = models.FloatField()
    reorder_point = models.PositiveIntegerField()
    order_up_to = models.PositiveIntegerField()
    position = models.IntegerField()  # available and incoming when it was made
    days_of_cover = models.FloatField()  # of that position; ENDLESS where nothing is asked for
    tested = models.BooleanField()  # back-tested on its own past; else what its class teaches
    # Errors of 14-day sums in the back-test, in units of the past's own mean absolute change over a week (MASE); 0 untested.
    error = models.FloatField()
    naive_error = models.FloatField()
    seasonal_naive_error = models.FloatField()
    error_ratio = models.FloatField()  # error / seasonal naive's; 1 untested
    coverage_p90 = models.FloatField()  # share of back-tested sums at or below their P90; 0 untested
    backtest = models.JSONField()  # {"candidates": […], "origins": […]}

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "location"], name="forecast_once", nulls_distinct=False),
            models.CheckConstraint(condition=Q(pattern__in=Pattern.values), name="forecast_pattern_known"),
            models.CheckConstraint(condition=Q(speed__in=Speed.values), name="forecast_speed_known"),
            models.CheckConstraint(
                condition=not_negative("mean_daily", "p50_daily", "daily_variance", "drift", "lead_demand_p50")
                & at_most("p50_daily", "p90_daily")
                & at_most("lead_demand_p50", "lead_demand_p90"),
                name="forecast_quantiles_in_order",
            ),
            models.CheckConstraint(
                condition=at_most("reorder_point", "order_up_to"), name="forecast_reaches_its_point"
            ),
        ]
        indexes = [
            models.Index(fields=["-mean_daily", "-id"], name="forecast_by_mean"),
            models.Index(fields=["days_of_cover", "id"], name="forecast_by_cover"),
            models.Index(fields=["-error_ratio", "-id"], name="forecast_by_error"),
            models.Index(fields=["-p90_daily", "-id"], name="forecast_by_p90"),
        ]


class PastForecast(models.Model):
    """What a forecast said about some days, and what came: written with a forecast now and then, settled when the days are over."""

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, null=True, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    first_day = models.DateField()
    last_day = models.DateField()
    model = models.CharField(max_length=24)
    p50 = models.FloatField()  # of the sum over the days
    p90 = models.FloatField()
    actual = models.IntegerField(null=True)
    stockout_days = models.PositiveSmallIntegerField(default=0)  # of its days: what came was less than was wanted

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["variant", "location", "first_day"], name="past_forecast_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")) & Q(p50__gte=0) & at_most("p50", "p90"),
                name="past_forecast_in_order",
            ),
        ]
        indexes = [models.Index(fields=["last_day"], name="past_forecast_open", condition=Q(actual__isnull=True))]
