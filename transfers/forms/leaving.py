"""What leaves, and giving up before it does."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from inventory.operations.serials import read_serials
from transfers.models import TransferLine
from transfers.operations.serials import follows

LONGEST_LIST = 50_000


def serials_field() -> forms.CharField:
    """Serial numbers by a scanner, one on each line; left empty where all units move, for then all numbers do."""
    return forms.CharField(
        label=_("Serial numbers"), required=False, max_length=LONGEST_LIST, widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text=_("One on each line. Not needed when everything there goes."),
    )  # fmt: skip


class CancelForm(forms.Form):
    """Why a transfer is given up; kept in its history."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class DispatchForm(forms.Form):
    """How many units of each line leave; `version` is that of the page that was looked at."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    keep_rest = forms.BooleanField(label=_("Keep what stays as a draft of its own"), required=False)

    def __init__(self, *args: Any, lines: list[TransferLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = lines
        for line in lines:
            self.fields[f"quantity-{line.pk}"] = forms.IntegerField(
                label=line.variant.sku, min_value=0, max_value=line.quantity, initial=line.quantity,
                widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
            )  # fmt: skip
            if follows(line):
                self.fields[f"serials-{line.pk}"] = serials_field()

    def serials(self) -> dict[int, list[str]]:
        """Line id → serial numbers that leave, as far as they were named."""
        data = self.cleaned_data
        return {line.pk: read_serials(data.get(f"serials-{line.pk}", "")) for line in self.lines if follows(line)}

    def serial_rows(self) -> list[tuple[TransferLine, forms.BoundField]]:
        """Each line that is followed by serial number, with its field for them."""
        return [(line, self[f"serials-{line.pk}"]) for line in self.lines if follows(line)]

    def units(self) -> dict[int, int]:
        """Line id → units that leave."""
        return {line.pk: self.cleaned_data[f"quantity-{line.pk}"] for line in self.lines}

    def rows(self) -> list[tuple[TransferLine, forms.BoundField]]:
        """Each line with its field."""
        return [(line, self[f"quantity-{line.pk}"]) for line in self.lines]
