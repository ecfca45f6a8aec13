"""Stock as it was: a level at another moment, what a period did to it, to a location or to all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from core.forms import MomentInput
from core.permissions import require
from inventory.models import Bucket, Location, MovementReason, StockLevel
from inventory.time_travel import (
    CauseChange,
    Change,
    Counts,
    SkuChange,
    causes_between,
    changes_of_period,
    counts_at,
    difference,
    skus_of_period,
)
from inventory.views.level_page import signed
from inventory.views.references import Reference, causes_of

CAUSES_SHOWN = 20
SKUS_SHOWN = 50
#: The longest period that is added up while a person waits.
LONGEST_DAYS = 366
_SHOWN = (*Bucket.values, "available")


class MomentForm(forms.Form):
    """A moment, and an earlier one to compare it with."""

    at = forms.DateTimeField(label=gettext_lazy("As it was at"), required=False, widget=MomentInput())
    since = forms.DateTimeField(label=gettext_lazy("Compared with"), required=False, widget=MomentInput())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        at, since = cleaned.get("at"), cleaned.get("since")
        if since and since >= (at or timezone.now()):
            self.add_error("since", _("Choose a moment before the other one."))
        return cleaned


class PeriodForm(MomentForm):
    """A period, at one location or at all."""

    location = forms.ModelChoiceField(
        label=gettext_lazy("Location"),
        queryset=Location.objects.order_by("name"),
        required=False,
        empty_label=gettext_lazy("All"),
    )
    field_order = ("since", "at", "location")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        since = cleaned.get("since")
        if since and (cleaned.get("at") or timezone.now()).timestamp() - since.timestamp() > LONGEST_DAYS * 86400:
            self.add_error("since", _("A period has {n} days at most.").format(n=LONGEST_DAYS))
        return cleaned


@dataclass(frozen=True, slots=True)
class Count:
    """One count at the moment, and its change since the other where there is one."""

    label: str
    value: int
    change: str = ""


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """What one kind of business did to one bucket."""

    reason: str
    bucket: str
    change: str
    movements: int


@dataclass(frozen=True, slots=True)
class CauseLine:
    """What one cause did to one bucket."""

    cause: Reference
    reason: str
    bucket: str
    change: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Past:
    """A level at a moment; with `since`, what lies between."""

    at: datetime
    since: datetime | None
    counts: list[Count]
    changes: list[ChangeLine]
    causes: list[CauseLine]


def past_of(level: StockLevel, form: MomentForm) -> Past | None:
    """What the card of a level shows; None until a moment is chosen. Two statements, four with a comparison and its causes."""
    if not form.is_valid() or not (form.cleaned_data["at"] or form.cleaned_data["since"]):
        return None
    key = (level.variant_id, level.location_id)
    at, since = form.cleaned_data["at"] or timezone.now(), form.cleaned_data["since"]
    if since is None:
        return Past(at, None, _counts(counts_at([key], at)[key]), [], [])
    found = difference([key], since, at)
    return Past(
        at,
        since,
        _counts(found.after, found.before),
        change_lines(found.changes),
        _cause_lines(causes_between(key, since, at, limit=CAUSES_SHOWN)),
    )


@require("inventory.view")
@require_safe
def stock_changes(request: HttpRequest) -> HttpResponse:
    """What a period did to stock, by reason, and the SKUs that changed most."""
    form = PeriodForm(request.GET or None)
    changes: list[Change] = []
    skus: list[SkuChange] = []
    asked = form.is_valid() and form.cleaned_data["since"]
    if asked:
        since, at, location = asked, form.cleaned_data["at"] or timezone.now(), form.cleaned_data["location"]
        place = location.pk if location else None
        changes = changes_of_period(since, at, location_id=place)
        skus = skus_of_period(since, at, location_id=place, limit=SKUS_SHOWN)
    context = {
        "form": form,
        "asked": bool(asked),
        "changes": change_lines(changes),
        "skus": [(one, signed(one.net)) for one in skus],
        "most": SKUS_SHOWN if len(skus) == SKUS_SHOWN else 0,
    }
    return render(
        request, "inventory/changes.html", context, status=200 if form.is_valid() or not form.is_bound else 422
    )


def _counts(after: Counts, before: Counts | None = None) -> list[Count]:
    labels = {**{bucket.value: str(bucket.label) for bucket in Bucket}, "available": _("Available")}
    return [
        Count(
            labels[name],
            getattr(after, name),
            signed(getattr(after, name) - getattr(before, name)) if before is not None else "",
        )
        for name in _SHOWN
    ]


def change_lines(changes: list[Change]) -> list[ChangeLine]:
    """Changes in words, in the order of the reasons and buckets as people know them."""
    reasons, buckets = list(MovementReason.values), list(Bucket.values)
    ordered = sorted(changes, key=lambda one: (buckets.index(one.bucket), reasons.index(one.reason)))
    return [
        ChangeLine(
            str(MovementReason(one.reason).label), str(Bucket(one.bucket).label), signed(one.quantity), one.movements
        )
        for one in ordered
    ]


def _cause_lines(found: list[CauseChange]) -> list[CauseLine]:
    named = causes_of(one.cause for one in found)
    return [
        CauseLine(
            named[one.cause],
            str(MovementReason(one.reason).label),
            str(Bucket(one.bucket).label),
            signed(one.quantity),
            one.at,
        )
        for one in found
    ]
