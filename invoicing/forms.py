"""Forms of invoicing's pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.money import MAX_DECIMALS
from invoicing.billing import Left
from invoicing.models import Series, Settings
from invoicing.states import DocumentKind
from orders.models import Channel


class IssueForm(forms.Form):
    """What a document needs besides the order. version: of the order that was shown."""

    version = forms.IntegerField(widget=forms.HiddenInput())
    key = forms.CharField(max_length=60, widget=forms.HiddenInput())
    tax_number = forms.CharField(
        label=_("Customer's tax number"), max_length=40, required=False, help_text=_("Kept for their later documents.")
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False, help_text=_("Stands on a credit note."))
    mail = forms.BooleanField(label=_("Send by e-mail"), required=False)


class ProFormaForm(forms.Form):
    """A pro forma of the order as it is."""

    version = forms.IntegerField(widget=forms.HiddenInput())
    key = forms.CharField(max_length=60, widget=forms.HiddenInput())
    tax_number = forms.CharField(
        label=_("Customer's tax number"), max_length=40, required=False, help_text=_("Kept for their later documents.")
    )
    mail = forms.BooleanField(label=_("Send by e-mail"), required=False)


class CreditForm(forms.Form):
    """Units of rows, or an amount."""

    key = forms.CharField(max_length=60, widget=forms.HiddenInput())
    amount = forms.DecimalField(
        label=_("Amount"), required=False, max_digits=16, decimal_places=MAX_DECIMALS, help_text=_("Instead of units: spread over all rows.")
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=200)
    mail = forms.BooleanField(label=_("Send by e-mail"), required=False)

    def __init__(self, *args: Any, left: Sequence[Left], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left = [one for one in left if one.gross > 0]
        for one in self.left:
            if one.quantity:
                self.fields[f"units-{one.place}"] = forms.IntegerField(
                    label=one.row.title,
                    required=False,
                    min_value=0,
                    max_value=one.quantity,
                    widget=forms.NumberInput(attrs={"class": "short"}),
                )

    def rows(self) -> list[tuple[Left, Any]]:
        """Each row that is left with its field, or None where it has no units."""
        return [(one, self[f"units-{one.place}"] if one.quantity else None) for one in self.left]

    def units(self) -> dict[int, int]:
        """Row → units, those above zero."""
        return {
            one.place: count for one in self.left if (count := self.cleaned_data.get(f"units-{one.place}") or 0) > 0
        }


class MailForm(forms.Form):
    """Where a document goes."""

    to = forms.EmailField(label=_("To"), max_length=254)
    key = forms.CharField(max_length=40, widget=forms.HiddenInput())


class SettingsForm(forms.ModelForm):
    """Who issues, and when."""

    class Meta:
        model = Settings
        fields = [
            "legal_name", "line1", "line2", "postal_code", "city", "province", "country", "tax_number", "register_number", "email", "phone",
            "bank_name", "bank_account", "bank_code", "footer", "payment_days", "automatic", "correct", "mail",
        ]  # fmt: skip
        help_texts = {
            "country": _("Two letters, such as PL."),
            "footer": _("Stands at the foot of each page."),
            "correct": _("A partial cancel, a refund or a change of an invoiced order issues its credit note or further invoice at once."),
        }  # fmt: skip

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def save(self, commit: bool = True) -> Settings:
        raise NotImplementedError("invoicing.operations.save_settings writes")


class SeriesForm(forms.Form):
    """A series of numbers."""

    kind = forms.ChoiceField(label=_("Kind"), choices=DocumentKind.choices)
    channel = forms.ModelChoiceField(
        label=_("Channel"), queryset=Channel.objects.order_by("name"), required=False, empty_label=_("All channels")
    )
    prefix = forms.CharField(
        label=_("Prefix"),
        max_length=30,
        help_text=_("Such as INV-{year}-; {year} starts each year at the first number."),
    )
    digits = forms.IntegerField(label=_("Digits"), min_value=1, max_value=12, initial=5)
    first = forms.IntegerField(label=_("First number"), min_value=1, max_value=1_000_000_000, initial=1)

    def __init__(self, *args: Any, series: Series | None = None, issued: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel"].label_from_instance = lambda channel: channel.name
        if issued:
            for name in ("kind", "channel", "first"):
                self.fields[name].disabled = True
