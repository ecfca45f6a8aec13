"""Forms of store credit, of manual methods and of statement lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.money import MAX_DECIMALS
from payments.models import PaymentMethod


def amount_field(**kwargs: Any) -> forms.DecimalField:
    """An amount above zero."""
    return forms.DecimalField(
        label=_("Amount"), max_digits=16, decimal_places=MAX_DECIMALS, min_value=Decimal("0.0001"), **kwargs
    )


def expiry_field() -> forms.DateField:
    """The last day on which credit can be spent."""
    return forms.DateField(
        label=_("Can be spent until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Empty: without an end."),
    )  # fmt: skip


class _Keyed(forms.Form):
    """`key` is made with the form: sending it twice does it once."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=60)


class GrantForm(_Keyed):
    """Credit for a customer."""

    email = forms.EmailField(label=_("Customer's e-mail"))
    amount = amount_field()
    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3)
    reason = forms.CharField(label=_("Reason"), max_length=200)
    expires_on = expiry_field()

    def clean_currency(self) -> str:
        return self.cleaned_data["currency"].upper()


class WithdrawForm(_Keyed):
    """Credit that is taken back."""

    amount = amount_field()
    reason = forms.CharField(label=_("Reason"), max_length=200)


class SpendForm(_Keyed):
    """Credit for an order."""

    amount = amount_field()


class CreditRefundForm(_Keyed):
    """Money of an order that goes back as credit."""

    amount = amount_field()
    reason = forms.CharField(label=_("Reason"), max_length=200)
    expires_on = expiry_field()


class MethodForm(forms.ModelForm):
    """A way of paying."""

    class Meta:
        model = PaymentMethod
        fields = ["name", "kind", "instructions", "offered", "active"]
        widgets = {"instructions": forms.Textarea(attrs={"rows": 5})}
        help_texts = {
            "instructions": _(
                "For example the account and what to write as the reference. Shown on the customer's page and in reminders."
            ),
            "offered": _("Where something is owed and instructions are given."),
        }

    def save(self, commit: bool = True) -> PaymentMethod:
        raise NotImplementedError("payments.operations.methods writes")


class CollectionForm(forms.Form):
    """Money that is collected at delivery."""

    method = forms.ChoiceField(label=_("Method"))

    def __init__(self, *args: Any, methods: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["method"].choices = [(name, name) for name in methods]


class StatementFileForm(forms.Form):
    """What a bank or a carrier says came in."""

    file = forms.FileField(
        label=_("CSV or .xlsx file"), widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"})
    )
    currency = forms.CharField(
        label=_("Currency"), min_length=3, max_length=3, help_text=_("Of lines that do not say theirs.")
    )

    def clean_currency(self) -> str:
        return self.cleaned_data["currency"].upper()


class StatementLineForm(forms.Form):
    """The order that a line is for."""

    number = forms.CharField(label=_("Order number"), max_length=60)
    method = forms.ChoiceField(label=_("How it was paid"))

    def __init__(self, *args: Any, methods: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["method"].choices = [(name, name) for name in methods]
