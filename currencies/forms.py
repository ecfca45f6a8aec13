"""Forms of exchange rates."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from currencies.models import PIVOT, RATE_DECIMALS


class CurrencyField(forms.CharField):
    """Three letters; small ones are taken as capital ones."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=3, max_length=3, **kwargs)

    def to_python(self, value: Any) -> str:
        return super().to_python(value).upper()


def rate_field(**kwargs: Any) -> forms.DecimalField:
    """A rate above zero."""
    return forms.DecimalField(label=pgettext_lazy("exchange", "Rate"), max_digits=20, decimal_places=RATE_DECIMALS, **kwargs)


class RateForm(forms.Form):
    """A rate by hand."""

    base = CurrencyField(label=_("One"), initial=PIVOT, help_text=_("Three capital letters, such as EUR."))
    rate = rate_field(help_text=_("Units of the other currency for one of it."))
    quote = CurrencyField(label=_("In"))
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class RatesFileForm(forms.Form):
    """The bank's file."""

    file = forms.FileField(
        label=_("XML file"),
        widget=forms.ClearableFileInput(attrs={"accept": ".xml"}),
        help_text=_(
            "The European Central Bank's file of a day (eurofxref-daily.xml), of 90 days or of all days (eurofxref-hist.xml)."
        ),
    )


class OrderRateForm(forms.Form):
    """The rate of the chosen orders, in units of the shop's currency for one of theirs."""

    rate = rate_field(help_text=_("Units of the shop's currency for one of the order's. It is fixed then."))
