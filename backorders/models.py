"""What waits for goods, what was promised for it, and how goods that come in are shared out."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from core.models import not_negative
from inventory.models import Variant
from orders.models import Order, OrderLine


class Strategy(models.TextChoices):
    """Who is served first when there is not enough for all."""

    OLDEST = "oldest", _("Oldest order first")
    PROMISE = "promise", _("Earliest promise first")
    COMPLETE = "complete", _("Most complete orders")
    PRIORITY = "priority", _("Priority customers first")


class FillingSettings(models.Model):
    """How goods that come in are shared out, and when customers are told: one row (id 1)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    strategy = models.CharField(
        _("who is served first"), max_length=10, choices=Strategy.choices, default=Strategy.OLDEST
    )
    ask_first = models.BooleanField(_("ask a person before back-orders are filled"), default=False)
    quiet_days = models.PositiveSmallIntegerField(_("days a promise may move without a mail"), default=2)
    tell_first = models.BooleanField(_("mail the first promise, too"), default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="filling_settings_are_one"),
            models.CheckConstraint(condition=Q(strategy__in=Strategy.values), name="filling_strategy_known"),
            models.CheckConstraint(condition=Q(quiet_days__lte=365), name="filling_quiet_days_within_a_year"),
        ]


class LinePromise(models.Model):
    """An order line that waits, and the day on which the last of its waiting units should leave (null: nobody knows).

    told_on: the day the customer knows of. told: how many mails said so; the number makes each mail one of its own.
    """

    line = models.OneToOneField(OrderLine, on_delete=models.CASCADE, related_name="promise")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="promises")
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    units = models.PositiveIntegerField()
    waiting_since = models.DateTimeField()
    promised_on = models.DateField(null=True)
    first_promised_on = models.DateField(null=True)
    told_on = models.DateField(null=True)
    told_at = models.DateTimeField(null=True)
    told = models.PositiveIntegerField(default=0)
    # For sorting: what has no day comes last.
    due_on = models.GeneratedField(
        expression=Coalesce(F("promised_on"), models.Value("9999-12-31", output_field=models.DateField())),
        output_field=models.DateField(),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(units__gt=0), name="promise_of_something"),
            models.CheckConstraint(
                condition=Q(promised_on__isnull=True) | Q(first_promised_on__isnull=False),
                name="promise_begins_with_the_first",
            ),
            models.CheckConstraint(condition=not_negative("told"), name="promise_told_not_negative"),
        ]
        indexes = [
            models.Index(fields=["waiting_since", "id"], name="promise_waiting"),
            models.Index(fields=["due_on", "id"], name="promise_due"),
        ]

    @property
    def late(self) -> bool:
        """True where it will leave later than was promised at first, or nobody knows when any more."""
        if self.first_promised_on is None:
            return False
        return self.promised_on is None or self.promised_on > self.first_promised_on


class PromisePart(models.Model):
    """Units of a waiting line and what they wait for.

    source: "purchase_line:<id>", "transfer_line:<id>", "release", "stock" (goods that are here already), or empty: nothing is on its way.
    """

    promise = models.ForeignKey(LinePromise, on_delete=models.CASCADE, related_name="parts", db_index=False)
    source = models.CharField(max_length=40, blank=True)
    document = models.BigIntegerField(null=True)  # of the purchase order or transfer, with its number
    number = models.CharField(max_length=24, blank=True)
    units = models.PositiveIntegerField()
    promised_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["promise", "source"], name="promise_part_once"),
            models.CheckConstraint(condition=Q(units__gt=0), name="promise_part_of_something"),
        ]
        indexes = [models.Index(fields=["source"], name="promise_part_source", condition=~Q(source=""))]
