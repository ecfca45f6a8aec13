"""Goods that are not as they should be: the case, what was decided about its units, its photos, the merchant's reasons."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.models import StoredFile
from inventory.models import Bucket, Location, Lot, Variant
from quality.states import CaseKind, CaseSource, CaseState, Resolution


class NonConformanceReason(models.Model):
    """Why goods are set aside, in the merchant's words. code: stable, for programs."""

    code = models.CharField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=80, unique=True)
    active = models.BooleanField(_("active"), default=True)


class NonConformance(models.Model):
    """Units of one SKU at one location that are set aside, with the reason.

    Its movements in the ledger have the cause "nonconformance:<id>". `adopted` units were in the bucket before the case was opened
    (set there by hand, by a return, by an import): the case explains them, and nothing moved when it was opened.
    """

    number = models.CharField(max_length=20, unique=True)  # "NC-1042"
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="nonconformances", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    lot = models.ForeignKey(Lot, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=16, choices=CaseKind.choices)
    bucket = models.CharField(max_length=16, choices=[(Bucket.DAMAGED, Bucket.DAMAGED.label), (Bucket.QUALITY_CONTROL, Bucket.QUALITY_CONTROL.label)])  # fmt: skip
    quantity = models.PositiveIntegerField(_("units"))
    open_quantity = models.PositiveIntegerField()
    adopted = models.PositiveIntegerField(default=0)
    reason = models.ForeignKey(
        NonConformanceReason, on_delete=models.PROTECT, related_name="+", verbose_name=_("reason")
    )
    note = models.TextField(_("note"), blank=True)
    source = models.CharField(_("found at"), max_length=8, choices=CaseSource.choices)
    state = models.CharField(max_length=8, choices=CaseState.choices, default=CaseState.OPEN)
    split_from = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="parts")
    request_key = models.CharField(max_length=60, null=True, unique=True)  # noqa: DJ001 - the same form opens one case
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CaseState.values), name="nonconformance_state_known"),
            models.CheckConstraint(condition=Q(source__in=CaseSource.values), name="nonconformance_source_known"),
            models.CheckConstraint(
                condition=Q(kind="damaged", bucket="damaged")
                | Q(kind__in=["quality_control", "quarantine"], bucket="quality_control"),
                name="nonconformance_kind_has_its_bucket",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, open_quantity__lte=F("quantity"), adopted__lte=F("quantity")),
                name="nonconformance_units_add_up",
            ),
            models.CheckConstraint(
                condition=Q(state="open", open_quantity__gt=0, resolved_at__isnull=True)
                | Q(state="resolved", open_quantity=0, resolved_at__isnull=False),
                name="nonconformance_open_while_units_are",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="nonconformance_recent"),
            models.Index(fields=["-created_at", "-id"], name="nonconformance_open", condition=Q(state="open")),
            models.Index(fields=["variant", "location"], name="nonconformance_of_level"),
        ]

    @property
    def subject(self) -> str:
        """Key of this case in the timeline, and the cause of its movements."""
        return f"nonconformance:{self.pk}"


class Decision(models.Model):
    """What was decided about some units of a case."""

    case = models.ForeignKey(NonConformance, on_delete=models.CASCADE, related_name="decisions")
    resolution = models.CharField(max_length=12, choices=Resolution.choices)
    quantity = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=CaseKind.choices, blank=True)  # where moved units are counted then
    note = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=60, null=True, unique=True)  # noqa: DJ001 - the same form decides once
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="decision_about_something"),
            models.CheckConstraint(condition=Q(resolution__in=Resolution.values), name="decision_known"),
            models.CheckConstraint(
                condition=Q(resolution="move", kind__in=CaseKind.values) | (~Q(resolution="move") & Q(kind="")),
                name="decision_moves_somewhere",
            ),
        ]


class CasePhoto(models.Model):
    """A picture of a case, drawn anew from what was uploaded."""

    case = models.ForeignKey(NonConformance, on_delete=models.CASCADE, related_name="photos")
    file = models.OneToOneField(StoredFile, on_delete=models.PROTECT, related_name="+")
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()
