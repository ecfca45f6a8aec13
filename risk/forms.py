"""Forms of risk's pages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.money import MAX_DECIMALS
from orders.queries import country_choices
from risk.rules import MOST_HOURS
from risk.states import Decision, RuleKind

_SOURCES = [("email", _("E-mail address")), ("phone", _("Phone number")), ("address", _("Shipping address"))]


def _limit() -> dict[str, forms.Field]:
    return {
        "limit": forms.DecimalField(
            label=_("Above"), min_value=Decimal(0), max_digits=16, decimal_places=MAX_DECIMALS, initial=500
        ),
        "currency": forms.RegexField(
            r"^[A-Z]{3}$", label=_("Currency"), max_length=3,
            help_text=_("Orders in another currency count by the exchange rate of the order, where it has one into this."),
        ),
    }  # fmt: skip


def _velocity() -> dict[str, forms.Field]:
    return {
        "orders": forms.IntegerField(label=_("Orders"), min_value=2, max_value=1000, initial=4),
        "hours": forms.IntegerField(label=_("Within hours"), min_value=1, max_value=MOST_HOURS, initial=24),
        "source": forms.ChoiceField(label=_("With the same"), choices=_SOURCES),
    }


def _countries() -> dict[str, forms.Field]:
    return {
        "countries": forms.MultipleChoiceField(
            label=_("Countries"), choices=country_choices, widget=forms.SelectMultiple(attrs={"size": 12})
        )
    }


def _units() -> dict[str, forms.Field]:
    return {"units": forms.IntegerField(label=_("Units"), min_value=2, max_value=1_000_000, initial=20)}


#: Kind → the fields of its parameters, made anew for each form.
_FIELDS = {
    RuleKind.AMOUNT: _limit,
    RuleKind.FIRST_ORDER: _limit,
    RuleKind.VELOCITY: _velocity,
    RuleKind.COUNTRY: _countries,
    RuleKind.MANY_UNITS: _units,
}


class RuleForm(forms.Form):
    """A rule: what its kind asks, its score, and whether it counts."""

    score = forms.IntegerField(
        label=_("Score"), min_value=1, max_value=1000, initial=40, help_text=_("Added to that of the other rules.")
    )
    active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        made = _FIELDS[RuleKind(kind)]() if kind in _FIELDS else {}
        self.fields = {**made, **self.fields}
        self._params = tuple(made)

    def params(self) -> dict[str, Any]:
        """The parameters of the kind, as rules keep them: amounts as text."""
        cleaned = self.cleaned_data
        return {name: str(cleaned[name]) if name == "limit" else cleaned[name] for name in self._params}

    @staticmethod
    def initial_of(params: Mapping[str, Any], score: int, active: bool) -> dict[str, Any]:
        """What the form of a kept rule shows at first."""
        return {**params, "score": score, "active": active}


class ThresholdForm(forms.Form):
    """From which scores on a person looks, and an order waits."""

    review_at = forms.IntegerField(label=_("To review from a score of"), min_value=1, max_value=100_000)
    hold_at = forms.IntegerField(
        label=_("Held from a score of"), min_value=1, max_value=100_000, help_text=_("Held until a person decides.")
    )
    hold_addresses = forms.BooleanField(
        label=_("Hold orders that cannot be delivered to their address"), required=False
    )


class ReasonForm(forms.Form):
    """Why a person decides so; kept in the order's history."""

    reason = forms.CharField(label=_("Reason"), max_length=200)


class DecideForm(ReasonForm):
    """A person's word about a flagged order."""

    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            (Decision.ACCEPTED, _("Accept it: its risk hold ends")),
            (Decision.REJECTED, _("Reject it: everything that is not picked yet is cancelled")),
        ],
        widget=forms.RadioSelect,
    )
    field_order = ("decision", "reason")
