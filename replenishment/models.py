"""What is low, what must be restocked, and who is told."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import User
from inventory.models import Location, ReorderPolicy, Variant
from replenishment.states import AlertKind, AlertState, Frequency, News

LIVE = Q(state__in=["open", "snoozed"])


class Alert(models.Model):
    """One crossing: available units of a variant fell to its reorder point, at a location or in total (location null).

    The row lives until available rises above the point, and stays as history; the next crossing is a row of its own.
    """

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=AlertState.choices, default=AlertState.OPEN)
    kind = models.CharField(max_length=4, choices=AlertKind.choices, default=AlertKind.LOW)
    threshold = models.PositiveIntegerField()  # the reorder point that was reached
    available = models.IntegerField()  # when it was reached
    incoming = models.IntegerField(default=0)  # then
    opened_at = models.DateTimeField()
    out_at = models.DateTimeField(null=True)  # when nothing was left
    back_at = models.DateTimeField(null=True)  # and when something was there again
    snoozed_until = models.DateTimeField(null=True)
    snoozed_below = models.IntegerField(null=True)  # quiet until available falls to it
    resolved_at = models.DateTimeField(null=True)
    news = models.CharField(max_length=4, choices=News.choices, blank=True, default="")  # not told yet
    told_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["variant", "location"], name="alert_live_once", nulls_distinct=False, condition=LIVE
            ),
            models.CheckConstraint(condition=Q(state__in=AlertState.values), name="alert_state_known"),
            models.CheckConstraint(condition=Q(kind__in=AlertKind.values), name="alert_kind_known"),
            models.CheckConstraint(condition=Q(news__in=News.values), name="alert_news_known"),
            models.CheckConstraint(
                condition=Q(state="snoozed") & (Q(snoozed_until__isnull=False) | Q(snoozed_below__isnull=False))
                | ~Q(state="snoozed") & Q(snoozed_until__isnull=True, snoozed_below__isnull=True),
                name="alert_snoozed_until_something",
            ),
            models.CheckConstraint(
                condition=Q(state="resolved", resolved_at__isnull=False)
                | ~Q(state="resolved") & Q(resolved_at__isnull=True),
                name="alert_resolved_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="alert_recent"),
            models.Index(fields=["-opened_at", "-id"], name="alert_open", condition=Q(state="open")),
            models.Index(fields=["-opened_at", "-id"], name="alert_snoozed", condition=Q(state="snoozed")),
            models.Index(fields=["snoozed_until"], name="alert_to_wake", condition=Q(snoozed_until__isnull=False)),
            models.Index(fields=["id"], name="alert_to_tell", condition=~Q(news="")),
            models.Index(fields=["variant", "location", "-opened_at"], name="alert_of_subject"),
            models.Index(fields=["location", "-opened_at"], name="alert_of_location"),
        ]

    @property
    def subject(self) -> str:
        """Key of this alert in the timeline."""
        return f"alert:{self.pk}"


class Need(models.Model):
    """A policy whose available and incoming units, without those already sold, have fallen to its point, and what fills it up.

    Kept by the same evaluation as the alerts, so that lists of what to restock read rows and compute nothing.
    """

    policy = models.OneToOneField(ReorderPolicy, on_delete=models.CASCADE, related_name="need")
    available = models.IntegerField()
    incoming = models.IntegerField()
    waiting = models.IntegerField(default=0)  # back-ordered units that this policy must serve
    quantity = models.PositiveIntegerField()  # order-up-to − available − incoming + waiting
    since = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="need_of_something")]
        indexes = [
            models.Index(fields=["-quantity", "-id"], name="need_by_quantity"),
            models.Index(fields=["since", "id"], name="need_by_age"),
        ]


class AlertPreference(models.Model):
    """How one person wants to hear of low stock. Without a row: once a day for those who may restock, never for others."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="alert_preference")
    frequency = models.CharField(_("e-mail"), max_length=8, choices=Frequency.choices, default=Frequency.DAILY)
    location_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)  # empty: all; totals always
    back_in_stock = models.BooleanField(_("tell also when something is back in stock"), default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(frequency__in=Frequency.values), name="alert_frequency_known")
        ]


class ReplenishmentSettings(models.Model):
    """What the shop decided about alerts and automatic orders: one row (id 1)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    mail_pause_minutes = models.PositiveIntegerField(
        _("minutes between two mails about the same SKU"), default=60,
        validators=[MinValueValidator(1), MaxValueValidator(10_080)],
    )  # fmt: skip
    digest_hour = models.PositiveSmallIntegerField(
        _("hour of the daily mail"), default=8, validators=[MaxValueValidator(23)]
    )
    automatic_orders = models.BooleanField(_("draft purchase orders by itself, once a day"), default=False)
    automatic_hour = models.PositiveSmallIntegerField(
        _("hour of the daily drafts"), default=6, validators=[MaxValueValidator(23)]
    )
    digest_done_on = models.DateField(null=True)  # the shop's last day whose daily mail was written
    automatic_done_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="replenishment_settings_are_one"),
            models.CheckConstraint(
                condition=Q(digest_hour__lte=23, automatic_hour__lte=23), name="replenishment_hours_of_a_day"
            ),
            models.CheckConstraint(condition=Q(mail_pause_minutes__gt=0), name="replenishment_mail_pauses"),
        ]


#: The subject under which changes of the settings are told.
SETTINGS_SUBJECT = "replenishment:1"
