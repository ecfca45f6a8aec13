"""Goods arrive and are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from inventory.models import Location
from orders.forms import NamedChoiceField
from returns.models import ReturnLine
from returns.operations import Received, Verdict
from returns.queries.sent_units import SentUnits, sent_units
from returns.states import Disposition


class FindForm(forms.Form):
    """A scanned code: RMA number or tracking number."""

    code = forms.CharField(label=_("RMA or tracking number"), max_length=80)


class ReceiveForm(forms.Form):
    """How many of each line arrived: fields `quantity-<return line id>`, and of what is followed `lot-<id>` or `serials-<id>`."""

    location = NamedChoiceField(label=_("Arrived at"), queryset=Location.objects.filter(active=True).order_by("name"))

    def __init__(self, data: Any = None, *, lines: Sequence[ReturnLine], location: Location | None) -> None:
        super().__init__(data, initial={"location": location})
        self.lines = [line for line in lines if line.received < line.quantity]
        for line in self.lines:
            left = line.quantity - line.received
            self.fields[f"quantity-{line.pk}"] = forms.IntegerField(
                label=line.order_line.sku, min_value=0, max_value=left, initial=left, required=False,
                widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
            )  # fmt: skip
        sent = sent_units([line.order_line_id for line in self.lines])
        for line in self.lines:
            self._ask_which(line, sent.get(line.order_line_id) or SentUnits())

    def _ask_which(self, line: ReturnLine, sent: SentUnits) -> None:
        if sent.lots:
            self.fields[f"lot-{line.pk}"] = forms.TypedChoiceField(
                label=_("Lot"), required=False, coerce=int, empty_value=None,
                choices=[
                    *([("", "—")] if sent.lot_is_open else []),
                    *((lot.lot_id, lot.code or translate("without a lot")) for lot in sent.lots),
                ],
            )  # fmt: skip
        if sent.serials:
            self.fields[f"serials-{line.pk}"] = forms.MultipleChoiceField(
                label=_("Serial numbers"), required=False, choices=[(serial, serial) for serial in sent.serials],
                widget=forms.CheckboxSelectMultiple, initial=sent.serials if len(sent.serials) == line.quantity else [],
            )  # fmt: skip

    def received(self) -> list[Received]:
        cleaned = self.cleaned_data
        return [
            Received(
                line.pk, cleaned.get(f"quantity-{line.pk}") or 0, lot_id=cleaned.get(f"lot-{line.pk}") or None,
                serials=tuple(cleaned.get(f"serials-{line.pk}") or ()),
            )
            for line in self.lines
        ]  # fmt: skip

    def rows(self) -> list[tuple[ReturnLine, forms.BoundField, forms.BoundField | None]]:
        """Each line with its quantity and, where it is followed, which lot or serial numbers."""
        return [(line, self[f"quantity-{line.pk}"], self._which(line)) for line in self.lines]

    def _which(self, line: ReturnLine) -> forms.BoundField | None:
        names = (f"lot-{line.pk}", f"serials-{line.pk}")
        return next((self[name] for name in names if name in self.fields), None)


class InspectForm(forms.Form):
    """One decision: so many units of a line get a disposition."""

    line = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    quantity = forms.IntegerField(
        label=_("Units"), min_value=1, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )
    disposition = forms.ChoiceField(
        choices=[choice for choice in Disposition.choices if choice[0] != Disposition.KEEP_IT]
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def clean_quantity(self) -> int:
        quantity = self.cleaned_data["quantity"]
        if quantity > 1_000_000:
            raise ValidationError(translate("That is too many."))
        return quantity

    def verdict(self) -> Verdict:
        data = self.cleaned_data
        return Verdict(data["line"], data["disposition"], data["quantity"], data["note"])
