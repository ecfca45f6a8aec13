"""Forms of payments' pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.money import MAX_DECIMALS
from payments.models import CapturePolicy, GatewayAccount, GatewayKind
from payments.operations.accounts import CREDENTIALS

_LABELS = {
    "api_key": _("Secret key"),
    "webhook_secret": _("Signing secret of the webhook"),
    "client_id": _("Client ID"),
    "secret": _("Secret"),
    "webhook_id": _("Webhook ID"),
}
_HELP = {
    "api_key": _(
        "From Stripe's dashboard, Developers → API keys; a restricted key is enough (Checkout, PaymentIntents, Refunds: write)."
    ),
    "webhook_secret": _("Begins with whsec_. Stripe shows it when the address below is entered there."),
    "client_id": _("From PayPal's developer dashboard, Apps & Credentials."),
    "webhook_id": _("PayPal shows it when the address below is entered there."),
}


class AccountForm(forms.Form):
    """An account with a gateway. What is stored of its credentials is never shown: an empty field leaves it as it is."""

    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("Customers and colleagues see it, for example “Card”.")
    )
    capture = forms.ChoiceField(
        label=_("Take the money"), choices=CapturePolicy.choices, initial=CapturePolicy.SHIPPED,
        help_text=_("A payment that can be taken only once waits for the last parcel, because the gateway would let go of the rest."),
    )  # fmt: skip
    test_mode = forms.BooleanField(label=_("Test mode"), required=False, initial=True)
    active = forms.BooleanField(label=_("Offered to customers"), required=False, initial=True)

    def __init__(self, *args: Any, kind: str, known: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in CREDENTIALS[kind]:
            self.fields[name] = forms.CharField(
                label=_LABELS[name],
                help_text=_HELP.get(name, ""),
                required=False,
                max_length=400,
                widget=forms.PasswordInput(
                    attrs={"autocomplete": "off", "dir": "ltr", "placeholder": "••••••••" if known else ""}
                ),
            )
        self._secrets = CREDENTIALS[kind]

    def values(self) -> dict[str, Any]:
        """What `save_account` takes."""
        cleaned = dict(self.cleaned_data)
        return {"credentials": {name: cleaned.pop(name) for name in self._secrets}, **cleaned}


class CaptureForm(forms.Form):
    """How much to take. `key` is made with the form: the same form sent twice is one capture."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=60)
    amount = forms.DecimalField(
        label=_("Amount"), max_digits=16, decimal_places=MAX_DECIMALS, min_value=Decimal("0.0001")
    )
    final = forms.BooleanField(label=_("Release the rest"), required=False)


class AdoptForm(forms.Form):
    """A payment that began elsewhere, by the gateway's name of it."""

    account = forms.ModelChoiceField(label=_("Account"), queryset=GatewayAccount.objects.none(), empty_label=None)
    reference = forms.CharField(
        label=_("Reference"), max_length=120,
        help_text=_("Stripe: pi_…, PayPal: the order ID. The gateway is asked what it knows of it."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = GatewayAccount.objects.order_by("name")  # type: ignore[attr-defined]


class SendLinkForm(forms.Form):
    """Where the link to pay goes."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    note = forms.CharField(
        label=_("A word to the customer"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


KINDS = tuple(GatewayKind.values)
