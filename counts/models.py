"""Counts of what is really there: the count, its lines by bin and SKU, and when counts are made by themselves."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from counts.states import CountKind, CountState, LineResult, LineState, Unlisted
from inventory.models import Location, Lot, Variant


class StockCount(models.Model):
    """One count at one location."""

    number = models.CharField(max_length=20, unique=True)  # "CT-1042"
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="counts")
    kind = models.CharField(_("kind"), max_length=10, choices=CountKind.choices)
    scope = models.JSONField(default=dict)  # {"bins": [...]} | {"abc": "A"} | {}
    state = models.CharField(_("state"), max_length=10, choices=CountState.choices, default=CountState.OPEN)
    blind = models.BooleanField(_("blind"), default=True)  # who counts is not shown what should be there
    # A line is counted again when it is off by more than both of these (the larger one decides).
    tolerance_units = models.PositiveIntegerField(_("tolerance in units"), default=0)
    tolerance_percent = models.PositiveSmallIntegerField(_("tolerance in percent"), default=0)
    second_person = models.BooleanField(_("recount by another person"), default=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("assigned to"),
    )  # fmt: skip
    note = models.CharField(_("note"), max_length=200, blank=True)
    unlisted = models.CharField(max_length=6, choices=Unlisted.choices, blank=True, default="")  # as it was posted
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    counted_at = models.DateTimeField(null=True)
    posted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CountState.values), name="count_state_known"),
            models.CheckConstraint(condition=Q(kind__in=CountKind.values), name="count_kind_known"),
            models.CheckConstraint(condition=Q(tolerance_percent__lte=100), name="count_tolerance_is_a_share"),
            models.CheckConstraint(
                condition=Q(state="posted", posted_at__isnull=False, unlisted__in=Unlisted.values)
                | (~Q(state="posted") & Q(posted_at__isnull=True, unlisted="")),
                name="count_posted_when_and_how",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="count_recent"),
            models.Index(
                fields=["-created_at", "-id"], name="count_unsettled", condition=Q(state__in=["open", "counted"])
            ),
            models.Index(fields=["-posted_at"], name="count_by_posting", condition=Q(posted_at__isnull=False)),
        ]

    @property
    def subject(self) -> str:
        """Key of this count in the timeline, and the cause of its movements."""
        return f"count:{self.pk}"

    @property
    def hides_expected(self) -> bool:
        """True while nobody may be told what should be there."""
        return self.blind and self.state == CountState.OPEN


class StockCountLine(models.Model):
    """One SKU in one bin of a count.

    `on_hand` is the level's count at the moment at which the line was counted, read under the level's lock; `movement_id` the newest
    ledger row then. A SKU has one line at `home` in a count, which is expected to hold all of that; in other bins none is expected.
    counted is None in a line that is done when nobody found anything.
    """

    count = models.ForeignKey(StockCount, on_delete=models.CASCADE, related_name="lines", db_index=False)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    lot = models.ForeignKey(Lot, null=True, on_delete=models.PROTECT, related_name="+")
    bin = models.CharField(max_length=40, blank=True, default="")
    home = models.BooleanField(default=True)
    found = models.BooleanField(default=False)  # was not on the list: somebody found it
    abc = models.CharField(max_length=1, blank=True, default="")
    state = models.CharField(max_length=10, choices=LineState.choices, default=LineState.TO_COUNT)
    counted = models.PositiveIntegerField(null=True)
    counted_at = models.DateTimeField(null=True)
    counted_by = models.CharField(max_length=80, blank=True, default="")
    on_hand = models.IntegerField(null=True)
    movement_id = models.BigIntegerField(null=True)
    moved = models.BooleanField(default=False)  # stock of it moved between its first and its last scan
    # What was counted before somebody counted again.
    first_counted = models.PositiveIntegerField(null=True)
    first_on_hand = models.IntegerField(null=True)
    first_at = models.DateTimeField(null=True)
    first_by = models.CharField(max_length=80, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=120, blank=True, default="")
    result = models.CharField(max_length=8, choices=LineResult.choices, blank=True, default="")
    difference = models.IntegerField(null=True)  # as posted
    refused_why = models.CharField(max_length=300, blank=True, default="")
    unit_value = models.DecimalField(max_digits=14, decimal_places=4, null=True)  # cost, else price, when it was posted

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["count", "bin", "variant", "lot"], name="count_line_once", nulls_distinct=False
            ),
            models.UniqueConstraint(
                fields=["count", "variant", "lot"], name="count_line_one_home", condition=Q(home=True), nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(state__in=LineState.values), name="count_line_state_known"),
            models.CheckConstraint(condition=Q(result__in=LineResult.values), name="count_line_result_known"),
            models.CheckConstraint(
                condition=Q(counted__isnull=True) | Q(counted_at__isnull=False, on_hand__isnull=False, movement_id__isnull=False),
                name="count_line_counted_at_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(result="") | Q(difference__isnull=False, unit_value__isnull=False),
                name="count_line_result_in_numbers",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["count", "state", "bin"], name="count_line_by_state"),
        ]

    @property
    def expected(self) -> int | None:
        """Units that should have been in this bin when it was counted; None before."""
        return None if self.on_hand is None else (self.on_hand if self.home else 0)

    @property
    def off_by(self) -> int | None:
        """Units more (or less) than expected; None before it was counted, and where nobody found anything."""
        return None if self.counted is None or self.expected is None else self.counted - self.expected


class CountSchedule(models.Model):
    """Counts that are made by themselves: so many bins, or an ABC class, every so many days."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+", verbose_name=_("location"))
    kind = models.CharField(
        _("what"), max_length=10, choices=[(CountKind.BINS, _("Bins that are due")), (CountKind.ABC, _("ABC class"))]
    )
    abc = models.CharField(_("class"), max_length=1, blank=True, choices=[("A", "A"), ("B", "B"), ("C", "C")])
    bins = models.PositiveSmallIntegerField(_("bins at once"), default=10)
    every_days = models.PositiveSmallIntegerField(_("every so many days"), default=7)
    blind = models.BooleanField(_("blind"), default=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("assigned to"),
    )  # fmt: skip
    next_on = models.DateField(_("next on"))
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(every_days__gte=1, bins__gte=1), name="count_schedule_recurs"),
            models.CheckConstraint(
                condition=Q(kind="bins", abc="") | Q(kind="abc", abc__in=["A", "B", "C"]), name="count_schedule_of_what"
            ),
        ]
