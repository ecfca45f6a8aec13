"""What arrived, what did not, and what turned up after all."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from inventory.operations.serials import read_serials
from transfers.forms.leaving import serials_field
from transfers.models import LONGEST_NOTE, TransferLine
from transfers.operations import Arrived, Settled
from transfers.operations.drafting import MAX_QUANTITY
from transfers.operations.serials import follows
from transfers.states import DamageReason, FoundPlace, MissingReason, OverReason

_CHOOSE = [("", _("Choose …"))]


def _count(**kwargs: Any) -> forms.IntegerField:
    return forms.IntegerField(
        min_value=0, required=False, widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}), **kwargs
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostRow:
    """A line at the dock with the fields of its count; `over`, `damage` and `serials` are None where nothing is to be said."""

    line: TransferLine
    quantity: forms.BoundField
    damaged: forms.BoundField
    over: forms.BoundField | None
    damage: forms.BoundField | None
    serials: forms.BoundField | None

    @property
    def too_many(self) -> int:
        return max(0, self.line.counted - self.line.outstanding)

    @property
    def done(self) -> bool:
        return self.line.counted >= self.line.outstanding

    @property
    def errors(self) -> list[str]:
        """What is wrong with any of its fields."""
        fields = (self.quantity, self.damaged, self.over, self.damage, self.serials)
        return [str(error) for field in fields if field is not None for error in field.errors]


class PostForm(forms.Form):
    """The counts of the dock and why they differ. `key` is made with the form: posted twice it arrives once."""

    key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    def __init__(self, *args: Any, lines: list[TransferLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("key", uuid.uuid4().hex)
        self.lines = lines
        for line in lines:
            self.fields[f"quantity-{line.pk}"] = _count(
                label=_("Counted"), max_value=MAX_QUANTITY, initial=line.counted
            )
            self.fields[f"damaged-{line.pk}"] = _count(
                label=_("of these damaged"), max_value=MAX_QUANTITY, initial=line.counted_damaged
            )
            self.fields[f"over-{line.pk}"] = forms.ChoiceField(
                label=_("Why are there more?"), choices=[*_CHOOSE, *OverReason.choices], required=False
            )
            self.fields[f"damage-{line.pk}"] = forms.ChoiceField(
                label=_("How was it damaged?"), choices=[*_CHOOSE, *DamageReason.choices], required=False
            )
            if follows(line):
                self.fields[f"serials-{line.pk}"] = serials_field()

    def counts(self) -> dict[int, tuple[int, int]]:
        """Line id → (counted, of these damaged), of the lines whose fields were sent."""
        return {
            line.pk: (
                self.cleaned_data.get(f"quantity-{line.pk}") or 0,
                self.cleaned_data.get(f"damaged-{line.pk}") or 0,
            )
            for line in self.lines
            if f"quantity-{line.pk}" in self.data
        }

    def reasons(self) -> dict[int, Arrived]:
        """Line id → its reasons and serial numbers."""
        data = self.cleaned_data
        return {
            line.pk: Arrived(
                line.pk,
                0,
                over_reason=data.get(f"over-{line.pk}", ""),
                damage_reason=data.get(f"damage-{line.pk}", ""),
                serials=tuple(read_serials(data.get(f"serials-{line.pk}", ""))),
            )
            for line in self.lines
        }

    def rows(self) -> list[PostRow]:
        """Each line with its fields."""
        return [
            PostRow(
                line,
                self[f"quantity-{line.pk}"],
                self[f"damaged-{line.pk}"],
                self[f"over-{line.pk}"] if line.counted > line.outstanding else None,
                self[f"damage-{line.pk}"] if line.counted_damaged else None,
                self[f"serials-{line.pk}"] if follows(line) and line.counted else None,
            )
            for line in self.lines
        ]


class SettleForm(forms.Form):
    """What became of the units that did not come, line by line."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    note = forms.CharField(label=_("Note"), max_length=LONGEST_NOTE, required=False)

    def __init__(self, *args: Any, lines: list[TransferLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = [line for line in lines if line.outstanding]
        for line in self.lines:
            self.fields[f"missing-{line.pk}"] = _count(
                label=_("Units missing"), max_value=line.outstanding, initial=line.outstanding
            )
            self.fields[f"reason-{line.pk}"] = forms.ChoiceField(
                label=_("What became of it?"), choices=[*_CHOOSE, *MissingReason.choices], required=False
            )
            if follows(line):
                self.fields[f"serials-{line.pk}"] = serials_field()

    def settled(self) -> list[Settled]:
        """The lines that have a reason or a number."""
        data = self.cleaned_data
        rows = [
            Settled(
                line.pk,
                data.get(f"missing-{line.pk}") or 0,
                data.get(f"reason-{line.pk}", ""),
                data["note"],
                tuple(read_serials(data.get(f"serials-{line.pk}", ""))),
            )
            for line in self.lines
        ]
        return [row for row in rows if row.reason]

    def rows(self) -> list[tuple[TransferLine, forms.BoundField, forms.BoundField]]:
        """Each line with its fields."""
        return [(line, self[f"missing-{line.pk}"], self[f"reason-{line.pk}"]) for line in self.lines]

    def serial_rows(self) -> list[tuple[TransferLine, forms.BoundField]]:
        """Each line that is followed by serial number, with its field for them."""
        return [(line, self[f"serials-{line.pk}"]) for line in self.lines if follows(line)]


class FindForm(forms.Form):
    """Units that were given up and have turned up."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    line = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    quantity = forms.IntegerField(label=_("Units"), min_value=1, initial=1)
    place = forms.ChoiceField(label=_("Where?"), choices=FoundPlace.choices)
    note = forms.CharField(label=_("Note"), max_length=LONGEST_NOTE, required=False)
    serials = serials_field()
