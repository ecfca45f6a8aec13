"""Forms of the orders' pages."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.money import MAX_DECIMALS
from orders.models import Order, OrderLine
from orders.states import HoldKind

#: Kinds of hold that a person places; the others follow from what happened.
_PLACED_BY_PEOPLE = [kind for kind in HoldKind if kind not in (HoldKind.PAYMENT, HoldKind.STOCK)]


class LocalDateTimeInput(forms.DateTimeInput):
    """A moment in the person's zone, picked by the browser."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class HoldForm(forms.Form):
    """Why an order must wait."""

    kind = forms.ChoiceField(label=_("Why"), choices=[(kind.value, kind.label) for kind in _PLACED_BY_PEOPLE], initial=HoldKind.OPERATOR)
    reason = forms.CharField(label=_("In your words"), max_length=200, required=False)
    until = forms.DateTimeField(
        label=_("Until"), required=False, widget=LocalDateTimeInput(), help_text=_("It is released by itself then. Empty: until somebody releases it.")
    )

    def clean_until(self) -> datetime | None:
        return self.cleaned_data["until"]


class TagForm(forms.Form):
    """Tags to add and to take away, divided by commas."""

    add = forms.CharField(label=_("Add tags"), required=False, max_length=400, help_text=_("Divided by commas."))
    remove = forms.CharField(label=_("Remove tags"), required=False, max_length=400)

    def clean_add(self) -> list[str]:
        return _words(self.cleaned_data["add"])

    def clean_remove(self) -> list[str]:
        return _words(self.cleaned_data["remove"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("add") and not cleaned.get("remove") and not self.errors:
            raise forms.ValidationError(_("Say which tags to add or to remove."))
        return cleaned


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


class CancelReasonForm(forms.Form):
    """Why orders are cancelled; kept in their history."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class VersionForm(forms.Form):
    """A form that knows which version of the order the person was looking at."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)


class CancelForm(VersionForm):
    """How many units of each line to cancel."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)

    def __init__(self, *args: Any, lines: list[OrderLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = [line for line in lines if line.cancellable > 0]
        for line in self.lines:
            self.fields[f"line-{line.pk}"] = forms.IntegerField(
                label=line.title, min_value=0, max_value=line.cancellable, initial=line.cancellable, required=False
            )

    def units(self) -> dict[int, int]:
        """Line id → units to cancel, without the lines left alone."""
        return {line.pk: units for line in self.lines if (units := self.cleaned_data.get(f"line-{line.pk}") or 0)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not self.units():
            raise forms.ValidationError(_("Say how many units to cancel."))
        return cleaned

    def rows(self) -> list[tuple[OrderLine, forms.BoundField]]:
        """Each line with its field, for the page's table."""
        return [(line, self[f"line-{line.pk}"]) for line in self.lines]


def _amount(label: Any, **kwargs: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, max_digits=16, decimal_places=MAX_DECIMALS, **kwargs)


class PaymentForm(forms.Form):
    """Money that came in. `key` is made with the form: sending it twice records it once."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=60)
    amount = _amount(_("Amount"), min_value=Decimal("0.0001"))
    method = forms.CharField(label=_("How it was paid"), max_length=60)
    reference = forms.CharField(label=_("Reference"), max_length=120, required=False)


class RefundForm(forms.Form):
    """Money that goes back."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=60)
    amount = _amount(_("Amount"), min_value=Decimal("0.0001"))
    reason = forms.CharField(label=_("Reason"), max_length=200)


class NoteForm(forms.Form):
    """What people tell each other about an order."""

    text = forms.CharField(
        label=_("Note"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("For your colleagues; the customer never sees it.")
    )


def refundable(order: Order) -> Decimal:
    """What was captured and not yet given back."""
    return order.captured_total - order.refunded_total
