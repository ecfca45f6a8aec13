"""Exchange rates, by day and source."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

#: The currency through which others are compared: central banks of Europe quote against it.
PIVOT = "EUR"
#: Digits behind the point of a rate; what is worked out (inverse, cross) is rounded half up to them.
RATE_DECIMALS = 10


class Source(models.TextChoices):
    """Who says so."""

    ECB = "ecb", _("European Central Bank")
    MANUAL = "manual", _("Put in by hand")


class ExchangeRate(models.Model):
    """What one unit of `base` was worth in units of `quote` on a day. One a day: what a person puts in is kept over what is fetched."""

    base = models.CharField(_("currency"), max_length=3)
    quote = models.CharField(_("in"), max_length=3)
    day = models.DateField(_("day"))
    rate = models.DecimalField(_("rate"), max_digits=20, decimal_places=RATE_DECIMALS)
    source = models.CharField(_("source"), max_length=20, choices=Source.choices)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["base", "quote", "day"], name="exchange_rate_once_a_day"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="exchange_rate_positive"),
            models.CheckConstraint(condition=~Q(base=F("quote")), name="exchange_rate_between_two"),
            models.CheckConstraint(
                condition=Q(base__regex=r"^[A-Z]{3}$", quote__regex=r"^[A-Z]{3}$"), name="exchange_rate_currencies"
            ),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="exchange_rate_source_known"),
        ]
        indexes = [models.Index(fields=["-day", "-id"], name="exchange_rate_recent")]


class RateFeed(models.Model):
    """The last attempt to fetch rates: one row (id 1)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    asked_at = models.DateTimeField()
    came_at = models.DateTimeField(null=True)  # the last time that something usable came
    latest_day = models.DateField(null=True)
    trouble = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="rate_feed_is_one")]
