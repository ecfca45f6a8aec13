"""Forms of lots and serial numbers."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.refusals import Refusal
from inventory import gs1
from inventory.models import MovementReason
from inventory.operations.lots import LONGEST_CODE
from inventory.operations.serials import MOST_AT_ONCE, read_serials, serial_range

MOST_UNITS = 1_000_000
GONE_REASONS = [
    (reason.value, reason.label)
    for reason in (MovementReason.LOST, MovementReason.SCRAPPED, MovementReason.DAMAGED, MovementReason.COUNTED)
]


class _Once(forms.Form):
    """A form that does its work once: the key is made with it."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=32)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid.uuid4().hex, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


class LotForm(_Once):
    """Units of a lot: newly come in, or on hand already and only now read. A scanned GS1 code brings lot and date."""

    how = forms.ChoiceField(
        label=_("These units"),
        choices=[("received", _("came in now")), ("relabel", _("are on hand here without a lot"))],
        initial="received",
        widget=forms.RadioSelect,
    )
    code = forms.CharField(
        label=_("Lot"), max_length=120, help_text=_("As printed, or scan the GS1 code: it brings the date too."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    expires_on = forms.DateField(
        label=_("Expires on"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    units = forms.IntegerField(
        label=_("Units"), min_value=1, max_value=MOST_UNITS, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        code = cleaned.get("code", "")
        try:
            said = gs1.parse(code, today=timezone.now().date())
        except gs1.NotGS1:
            said = None
        if said is not None and said.lot:
            cleaned["code"] = said.lot
            cleaned["expires_on"] = cleaned.get("expires_on") or said.last_day
        if len(cleaned.get("code", "")) > LONGEST_CODE:
            self.add_error("code", translate("A lot has 1 to {most} characters.").format(most=LONGEST_CODE))
        return cleaned


class ExpiryForm(forms.Form):
    """The date of a lot, set right."""

    expires_on = forms.DateField(
        label=_("Expires on"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class SerialsForm(_Once):
    """Serial numbers: one on a line, or the first of a range and how many."""

    how = forms.ChoiceField(
        label=_("These units"),
        choices=[("received", _("came in now")), ("register", _("are on hand here without a serial number"))],
        initial="received",
        widget=forms.RadioSelect,
    )
    serials = forms.CharField(
        label=_("Serial numbers"), required=False, max_length=MOST_AT_ONCE * 62, help_text=_("One on each line; scan one after the other."),
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    first = forms.CharField(
        label=_("Or a range: the first"), required=False, max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )  # fmt: skip
    count = forms.IntegerField(
        label=_("How many"), required=False, min_value=1, max_value=MOST_AT_ONCE, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )  # fmt: skip
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        today = timezone.now().date()
        serials = [_serial_in(text, today) for text in read_serials(cleaned.get("serials") or "")]
        if cleaned.get("first"):
            try:
                serials += serial_range(cleaned["first"], cleaned.get("count") or 1)
            except Refusal as refusal:
                self.add_error(refusal.field or "first", refusal.message)
        if not serials and not self.errors:
            self.add_error("serials", translate("Write at least one serial number."))
        cleaned["all"] = serials
        return cleaned


def _serial_in(text: str, today: Any) -> str:
    """The serial number in a scanned GS1 code, or the text itself."""
    try:
        return gs1.parse(text, today=today).serial or text
    except gs1.NotGS1:
        return text


class GoneForm(forms.Form):
    """Units that are gone, by serial number, with the reason."""

    gone = forms.MultipleChoiceField(label=_("Serial numbers"), widget=forms.CheckboxSelectMultiple)
    reason = forms.ChoiceField(label=_("Reason"), choices=GONE_REASONS)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def __init__(self, *args: Any, serials: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["gone"].choices = [(serial, serial) for serial in serials]
