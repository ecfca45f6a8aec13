"""One SKU on one channel: the steps that make its number, and what it would be otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from availability.explain import rule_name, sentence
from availability.forms import WhatIfForm
from availability.models import AvailabilityRule, ChannelAvailability
from availability.queries import Inputs, receipt_of, speaks_of
from availability.shown import Part, Receipt, shown
from availability.tables import budget_text, buffer_text
from core.permissions import require
from core.requests import StaffRequest
from core.timeline import entries_for
from core.timeline_text import lines_for
from inventory.models import StockLevel, Variant

#: Locations of a component that the page lists.
PLACES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A location with units of a component; counted: it is in the pool."""

    level: StockLevel
    counted: bool


@dataclass(frozen=True, slots=True)
class PartRow:
    """A component with the places where it lies."""

    variant: Variant
    quantity: int
    available: int
    fits: int
    places: list[Place]
    more: int
    limits: bool


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the sum."""

    sign: str
    label: str
    value: int
    note: str = ""


@require("availability.view")
@require_safe
def receipt(request: StaffRequest, pk: int) -> HttpResponse:
    """The page of a SKU on a channel. A fixed number of statements, whatever it is made of."""
    row = get_object_or_404(
        ChannelAvailability.objects.select_related("channel", "variant").defer(
            "variant__search", "variant__search_text"
        ),
        pk=pk,
    )
    now = timezone.now()
    found, rule, inputs = receipt_of(row.channel_id, row.variant_id, now=now)
    skus = _skus(found)
    form = WhatIfForm(request.GET if request.GET.get("try") else None, initial=_as_is(found, rule))
    context: dict[str, Any] = {
        "row": row,
        "receipt": found,
        "sentence": sentence(found, {pk: variant.sku for pk, variant in skus.items()}),
        "parts": _parts(found, skus, inputs, row.channel_id, rule),
        "is_bundle": row.variant.is_bundle,
        "terms": _terms(found),
        "rule": rule,
        "rules": _rules(inputs, row),
        "rule_name": rule_name(rule),
        "differs": found["shown"] != row.shown,
        "what_if": form,
        "entries": lines_for(entries_for(rule.subject, limit=10)) if rule else [],
        "may_edit": request.user.can("availability.edit"),
    }
    if form.is_bound and form.is_valid():
        other = _otherwise(form, inputs, row, rule)
        context |= {"other": other, "other_sentence": sentence(other, {pk: one.sku for pk, one in skus.items()})}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "availability/receipt.html", context, status=status)


def _skus(found: Receipt) -> dict[int, Variant]:
    ids = [step["variant"] for step in found["steps"] if step["step"] == "pool"]
    return {one.pk: one for one in Variant.objects.filter(pk__in=ids).only("sku", "title", "product_id")}


def _parts(
    found: Receipt, skus: dict[int, Variant], inputs: Inputs, channel_id: int, rule: AvailabilityRule | None
) -> list[PartRow]:
    pool = inputs.pool_of(channel_id, rule)
    levels: dict[int, list[StockLevel]] = {}
    rows = StockLevel.objects.filter(variant_id__in=skus).select_related("location").order_by("-available", "id")
    for level in rows:
        levels.setdefault(level.variant_id, []).append(level)
    bundle = next((step for step in found["steps"] if step["step"] == "bundle"), None)
    parts = []
    for step in found["steps"]:
        if step["step"] != "pool":
            continue
        places = sorted(levels.get(step["variant"], []), key=lambda level: level.location_id not in pool)
        parts.append(
            PartRow(
                skus[step["variant"]], step["quantity"], step["available"], step["fits"],
                [Place(level, level.location_id in pool) for level in places[:PLACES_SHOWN]], max(0, len(places) - PLACES_SHOWN),
                bundle is not None and bundle["limited_by"] == step["variant"],
            )
        )  # fmt: skip
    return parts


def _terms(found: Receipt) -> list[Term]:
    steps = {step["step"]: step for step in found["steps"]}
    terms = [Term("", _("Can be put together") if "bundle" in steps else _("Available"), found["available"])]
    if "buffer" in steps:
        note = _("{n} sold in 28 days").format(n=steps["buffer"]["sold"]) if steps["buffer"]["kind"] == "days" else ""
        terms.append(Term("−", _("Kept back"), found["withheld"], note))
    if "budget" in steps:
        note = _("{used} of {all} back-ordered").format(
            used=steps["budget"]["backordered"], all=steps["budget"]["budget"]
        )
        terms.append(Term("+", _("Oversell budget"), found["extra"], note))
    if "maximum" in steps:
        terms.append(Term("≤", _("At most"), steps["maximum"]["maximum"]))
    if "never" in steps:
        terms.append(Term("→", _("Never shown"), 0))
    if "inactive" in steps:
        terms.append(Term("→", _("Switched off"), 0))
    return terms


def _rules(inputs: Inputs, row: ChannelAvailability) -> list[dict[str, Any]]:
    """Every rule that has the SKU, the one that speaks first."""
    goods = inputs.goods[row.variant_id]
    found = [rule for rule in inputs.rules.get(row.channel_id, ()) if speaks_of(rule, goods)]
    return [
        {"rule": rule, "name": rule_name(rule), "buffer": buffer_text(rule), "budget": budget_text(rule), "speaks": n == 0}
        for n, rule in enumerate(found)
    ]  # fmt: skip


def _as_is(found: Receipt, rule: AvailabilityRule | None) -> dict[str, Any]:
    if rule is None:
        return {"change": 0, "buffer": "none"}
    value = format(rule.value.normalize(), "f") if rule.value else None
    budget = next((step["budget"] for step in found["steps"] if step["step"] == "budget"), None)
    return {"change": 0, "buffer": rule.buffer, "value": value, "maximum": rule.maximum, "budget": budget}


def _otherwise(form: WhatIfForm, inputs: Inputs, row: ChannelAvailability, rule: AvailabilityRule | None) -> Receipt:
    pair = (row.channel_id, row.variant_id)
    change = form.cleaned_data["change"] or 0
    parts = [
        Part(part.variant_id, part.quantity, ((0, max(0, part.available + change)),))
        for part in inputs.parts_of(pair, rule)
    ]
    terms = form.terms()
    if terms.buffer == "percent" and terms.value > Decimal(100):
        form.add_error("value", _("At most 100."))
        terms = inputs.terms_of(row.channel_id, rule)
    return shown(parts, terms, inputs.demand_of(pair), active=inputs.goods[row.variant_id].active)
