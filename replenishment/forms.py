"""Forms of alerts, policies and orders."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.forms import WrittenByOperation
from inventory.models import Location, ReorderPolicy, Variant
from orders.filters import NamedChoice
from replenishment.models import AlertPreference, ReplenishmentSettings
from replenishment.operations.ordering import MAX_UNITS, Choice
from replenishment.operations.policies import MAX_POINT, PolicyWish, fault_of

_NUMBER = {"inputmode": "numeric", "autocomplete": "off"}


def _units(label: Any, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=0, max_value=MAX_POINT, widget=forms.NumberInput(attrs=_NUMBER), **options
    )


class SnoozeForm(forms.Form):
    """Until when, until how many units lower, or until the first of both."""

    days = forms.TypedChoiceField(
        label=_("For"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("— no end by time")), ("1", _("1 day")), ("3", _("3 days")), ("7", _("1 week")), ("30", _("30 days"))],
        initial="1",
    )  # fmt: skip
    until = forms.DateTimeField(
        label=_("Or until"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    units_lower = forms.IntegerField(
        label=_("Or until so many units fewer"), required=False, min_value=1, max_value=MAX_POINT,
        widget=forms.NumberInput(attrs=_NUMBER),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        until, days = cleaned.get("until"), cleaned.pop("days", None)
        if until is None and days:
            cleaned["until"] = timezone.now() + timedelta(days=days)
        if not self.errors and cleaned.get("until") is None and cleaned.get("units_lower") is None:
            self.add_error("days", translate("Say until when, or until how many units lower."))
        if isinstance(until, datetime) and until <= timezone.now():
            self.add_error("until", translate("This moment has passed."))
        return cleaned


class PolicyNumbersForm(forms.Form):
    """A reorder point and how far to fill up, for one or for many."""

    reorder_point = _units(_("Reorder point"), help_text=_("Restock when available and incoming have fallen to it."))
    order_up_to = _units(_("Order up to"))
    alert = forms.BooleanField(label=_("Tell when it is reached"), required=False, initial=True)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        known = "reorder_point" in cleaned and "order_up_to" in cleaned
        if known and (fault := fault_of(cleaned["reorder_point"], cleaned["order_up_to"])):
            self.add_error(*fault)
        return cleaned


class NewPolicyForm(PolicyNumbersForm):
    """A policy of a variant at a location or in total."""

    sku = forms.CharField(label=_("SKU"), max_length=64)
    location = NamedChoice(
        label=_("Location"),
        queryset=Location.objects.none(),
        required=False,
        empty_label=_("In total, over all locations"),
    )
    field_order = ("sku", "location", "reorder_point", "order_up_to", "alert")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["location"].queryset = Location.objects.filter(active=True).order_by("name")

    def clean_sku(self) -> Variant:
        text = self.cleaned_data["sku"].strip()
        found = Variant.objects.filter(sku=text).first()
        if found is None:
            raise forms.ValidationError(translate("There is no SKU “{sku}”.").format(sku=text[:64]))
        return found


class GridForm:
    """Many policies at once, each with its own two numbers; a wrong one is named next to its row and nothing is saved."""

    def __init__(self, policies: Sequence[ReorderPolicy], data: Any = None) -> None:
        self.rows = []
        self.changed: list[PolicyWish] = []
        self.faulty = False
        for policy in policies:
            row = self._row(policy, data)
            self.rows.append(row)
            self.faulty |= bool(row["error"])
        if self.faulty:
            self.changed = []

    def _row(self, policy: ReorderPolicy, data: Any) -> dict[str, Any]:
        texts = {name: str(getattr(policy, name)) for name in ("reorder_point", "order_up_to")}
        row: dict[str, Any] = {"policy": policy, "error": "", "column": ""}
        if data is not None:
            texts = {name: data.get(f"{name}-{policy.pk}", text).strip() for name, text in texts.items()}
            row |= self._read(policy, texts)
        return row | texts

    def _read(self, policy: ReorderPolicy, texts: dict[str, str]) -> dict[str, str]:
        for name, text in texts.items():
            if not (text.isascii() and text.isdecimal() and len(text) < 12):
                return {"error": translate("Write a whole number."), "column": name}
        numbers = {name: int(text) for name, text in texts.items()}
        if fault := fault_of(**numbers):
            return {"error": fault[1], "column": fault[0]}
        if any(getattr(policy, name) != number for name, number in numbers.items()):
            self.changed.append(PolicyWish(policy.variant_id, policy.location_id, **numbers))
        return {}


class PolicyFileForm(forms.Form):
    """A file of policies."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or .xlsx with the columns sku, location (empty: in total), reorder_point, order_up_to."),
    )


class OverForm(forms.Form):
    """Whether the forecast's figures replace those that a person set."""

    over_manual = forms.BooleanField(label=_("Replace figures that were set by hand too"), required=False)


class PreferenceForm(WrittenByOperation):
    """How one person wants to hear of low stock."""

    locations = forms.ModelMultipleChoiceField(
        label=_("Only these locations"),
        queryset=Location.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all of them. What is low in total is always told."),
    )

    class Meta:
        model = AlertPreference
        fields = ["frequency", "back_in_stock"]
        widgets = {"frequency": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = Location.objects.filter(active=True).order_by("name")
        self.fields["locations"].queryset = places
        self.fields["locations"].label_from_instance = lambda place: place.name
        self.initial["locations"] = self.instance.location_ids


class SettingsForm(WrittenByOperation):
    """What the shop decides about mail and automatic orders."""

    class Meta:
        model = ReplenishmentSettings
        fields = ["mail_pause_minutes", "digest_hour", "automatic_orders", "automatic_hour"]
        help_texts = {
            "digest_hour": _("In the shop's time zone."),
            "automatic_orders": _("They wait for approval; nothing is sent by itself."),
        }


class PlanForm:
    """Units to buy and to move for each chosen policy, read from a page's fields `units-<policy>`, `supplier-<policy>`, `move-<policy>`."""

    def __init__(self, policy_ids: Sequence[int], suggested: dict[int, int], data: Any = None) -> None:
        self.key = (data.get("key", "") if data is not None else "") or uuid.uuid4().hex
        self.errors: dict[int, str] = {}
        self.units = dict(suggested)
        self.suppliers: dict[int, int] = {}
        self.moves: dict[int, int] = {}
        if data is None:
            return
        for pk in policy_ids:
            self.units[pk] = self._number(pk, data.get(f"units-{pk}", str(suggested.get(pk, 0))))
            self.moves[pk] = self._number(pk, data.get(f"move-{pk}", "0"))
            supplier = data.get(f"supplier-{pk}", "")
            if supplier.isascii() and supplier.isdecimal() and len(supplier) < 18:
                self.suppliers[pk] = int(supplier)

    def _number(self, pk: int, text: str) -> int:
        text = text.strip() or "0"
        if text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= MAX_UNITS:
            return int(text)
        self.errors[pk] = translate("Write a whole number from 0 to {most}.").format(most=MAX_UNITS)
        return 0

    def choices(self) -> list[Choice]:
        return [Choice(pk, units, self.suppliers.get(pk)) for pk, units in self.units.items()]
