"""Forms of rules, pools, endpoints and of what-if."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from availability.models import AvailabilityRule, Buffer, LocationPool, Scope
from availability.shown import Terms
from core.refusals import Refusal
from inventory.models import Location
from orders.forms import NamedChoiceField
from orders.models import Channel

_MOST = 100_000_000


def _no_nul(text: str) -> str:
    return text.replace("\x00", "")


class RuleForm(forms.Form):
    """What a channel is shown of some SKUs."""

    channel = NamedChoiceField(label=_("Channel"), queryset=Channel.objects.none())
    scope = forms.ChoiceField(
        label=_("Applies to"),
        choices=Scope.choices,
        help_text=_(
            "The most specific rule speaks alone: one SKU before a tag, a tag before a type, a type before all."
        ),
    )
    target = forms.CharField(label=_("Type or tag"), required=False, max_length=120)
    sku = forms.CharField(label=_("SKU"), required=False, max_length=64)
    buffer = forms.ChoiceField(label=_("Keep back"), choices=Buffer.choices)
    value = forms.DecimalField(
        label=_("How much"), required=False, min_value=Decimal(0), max_digits=10, decimal_places=2,
        help_text=_("Units, percent of what there is, or days of this channel's mean daily sales of the last 28 days. Rounded up."),
    )  # fmt: skip
    pool = NamedChoiceField(
        label=_("Location pool"),
        queryset=LocationPool.objects.none(),
        required=False,
        empty_label=_("Every location that ships online and serves the channel"),
    )
    maximum = forms.IntegerField(
        label=_("Show at most"), required=False, min_value=0, max_value=_MOST, help_text=_("Empty: no limit.")
    )
    budget = forms.IntegerField(
        label=_("Oversell budget"), required=False, min_value=0, max_value=_MOST,
        help_text=_("Units that may be shown above what there is. What the channel has back-ordered counts against it."),
    )  # fmt: skip
    budget_until = forms.DateField(
        label=_("Budget until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Its last day, by the channel's clock."),
    )
    never = forms.BooleanField(label=_("Never show"), required=False)
    active = forms.BooleanField(label=_("Active"), required=False, initial=True)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def __init__(self, *args: Any, rule: AvailabilityRule | None = None, **kwargs: Any) -> None:
        if rule is not None:
            kwargs["initial"] = _initial(rule) | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.fields["channel"].queryset = Channel.objects.order_by("name")
        self.fields["pool"].queryset = LocationPool.objects.order_by("name")
        if rule is not None:
            self.fields["channel"].disabled = True

    def values(self) -> dict[str, Any]:
        """What `save_rule` wants."""
        cleaned = dict(self.cleaned_data)
        cleaned.pop("version")
        pool, channel = cleaned.pop("pool"), cleaned.pop("channel")
        cleaned["budget"] = cleaned["budget"] or 0
        return cleaned | {"pool_id": pool.pk if pool else None, "channel_id": channel.pk}


def _initial(rule: AvailabilityRule) -> dict[str, Any]:
    names = ("scope", "target", "buffer", "maximum", "budget_until", "never", "active", "note", "version")
    return {name: getattr(rule, name) for name in names} | {
        "channel": rule.channel_id,
        "sku": rule.variant.sku if rule.variant else "",
        "value": format(rule.value.normalize(), "f") if rule.value else None,
        "pool": rule.pool_id,
        "budget": rule.budget or None,
    }


def field_of(refusal: Refusal) -> Refusal:
    """The refusal at the form's own field."""
    refusal.field = "pool" if refusal.field == "pool_id" else refusal.field
    return refusal


class RuleFileForm(forms.Form):
    """A file of rules."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV with a header; the export has the columns. Rows add rules, or change the one of the same channel and scope."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )  # fmt: skip


class PoolForm(forms.Form):
    """Locations whose stock counts."""

    name = forms.CharField(label=_("Name"), max_length=80)
    locations = forms.TypedMultipleChoiceField(
        label=_("Locations"), coerce=int, widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, pool: LocationPool | None = None, **kwargs: Any) -> None:
        if pool is not None:
            chosen = list(pool.locations.values_list("pk", flat=True))
            kwargs["initial"] = {"name": pool.name, "locations": chosen}
        super().__init__(*args, **kwargs)
        rows = Location.objects.order_by("name").values_list("pk", "name", "active")
        self.fields["locations"].choices = [
            (pk, name if active else _("{name} (switched off)").format(name=name)) for pk, name, active in rows
        ]

    def clean_name(self) -> str:
        return _no_nul(self.cleaned_data["name"])


class EndpointForm(forms.Form):
    """Where changes are posted."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
        help_text=_("Public, https, port 443. Redirects are not followed."),
    )
    active = forms.BooleanField(label=_("Active"), required=False, initial=True)


class WhatIfForm(forms.Form):
    """Other numbers than there are, to see what would be shown."""

    change = forms.IntegerField(
        label=_("Units more or less"), required=False, min_value=-_MOST, max_value=_MOST,
        help_text=_("In the pool, of each component."),
    )  # fmt: skip
    buffer = forms.ChoiceField(label=_("Keep back"), choices=Buffer.choices)
    value = forms.DecimalField(label=_("How much"), required=False, min_value=Decimal(0), max_digits=10, decimal_places=2)  # fmt: skip
    maximum = forms.IntegerField(label=_("Show at most"), required=False, min_value=0, max_value=_MOST)
    budget = forms.IntegerField(label=_("Oversell budget"), required=False, min_value=0, max_value=_MOST)

    def terms(self) -> Terms:
        """As a rule would say it."""
        cleaned = self.cleaned_data
        return Terms(
            cleaned["buffer"], cleaned["value"] or Decimal(0), cleaned["maximum"], cleaned["budget"] or 0, never=False
        )
