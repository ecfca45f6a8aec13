"""Asking for a return: the customer's form in the portal, and a person's for a customer in the dashboard."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.refusals import Refusal
from returns.operations import LineRequest
from returns.operations.asking import LONGEST_NOTE
from returns.queries import ReturnableLine
from returns.states import ReturnReason

_LONGEST_MENU = 12


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """One order line of the form with its fields."""

    item: ReturnableLine
    quantity: BoundField
    reason: BoundField
    note: BoundField
    chosen: LineRequest | None

    @property
    def reason_label(self) -> str:
        return str(ReturnReason(self.chosen.reason).label) if self.chosen else ""

    @property
    def errors(self) -> bool:
        return bool(self.quantity.errors or self.reason.errors or self.note.errors)


class ReturnForm(forms.Form):
    """Units of each line that go back, with the reason. Fields are `quantity-<line id>`, `reason-<line id>`, `note-<line id>`.

    beyond_window: a person of the shop may take back what the customer may not any more.
    """

    customer_note = forms.CharField(
        label=_("Anything else we should know"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    request_key = forms.RegexField(r"^[A-Za-z0-9_-]{8,38}$", widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, items: Sequence[ReturnableLine], beyond_window: bool = False) -> None:
        super().__init__(data, initial={"request_key": secrets.token_urlsafe(18)})
        self.items = items
        for item in items:
            pk = item.line.pk
            self.fields[f"quantity-{pk}"] = _quantity_field(item.sent if beyond_window else item.quantity)
            self.fields[f"reason-{pk}"] = forms.ChoiceField(
                label=_("Reason"), required=False, choices=[("", _("Choose a reason")), *ReturnReason.choices]
            )
            self.fields[f"note-{pk}"] = forms.CharField(
                label=_("What is wrong with it?"), required=False, max_length=500
            )

    def clean(self) -> dict[str, Any]:
        """Every chosen line has a reason, at least one is chosen, and none belongs to somebody else."""
        data = super().clean() or {}
        for item in self.items:
            pk = item.line.pk
            if data.get(f"quantity-{pk}") and not data.get(f"reason-{pk}") and not self.errors.get(f"reason-{pk}"):
                self.add_error(f"reason-{pk}", ValidationError(translate("Choose a reason."), code="no_reason"))
        if self._foreign_lines():
            raise ValidationError(
                translate("One of these items cannot be returned from this order."), code="foreign_line"
            )
        if not self.errors and not self.wanted():
            raise ValidationError(translate("Choose at least one item."), code="nothing_chosen")
        return data

    def _foreign_lines(self) -> set[str]:
        own = {f"quantity-{item.line.pk}" for item in self.items}
        return {
            name for name, value in self.data.items() if name.startswith("quantity-") and value not in ("", "0")
        } - own

    def wanted(self) -> list[LineRequest]:
        """What the customer chose, as far as it is valid."""
        data = getattr(self, "cleaned_data", {})
        return [
            LineRequest(
                item.line.pk, quantity, data.get(f"reason-{item.line.pk}", ""), data.get(f"note-{item.line.pk}", "")
            )
            for item in self.items
            if (quantity := data.get(f"quantity-{item.line.pk}") or 0)
        ]

    def rows(self) -> list[ReturnRow]:
        """The lines with their fields, for the page."""
        chosen = {wish.order_line_id: wish for wish in self.wanted()} if self.is_bound and self.is_valid() else {}
        return [
            ReturnRow(
                item,
                self[f"quantity-{item.line.pk}"],
                self[f"reason-{item.line.pk}"],
                self[f"note-{item.line.pk}"],
                chosen.get(item.line.pk),
            )
            for item in self.items
        ]

    def refuse(self, refusal: Refusal) -> None:
        """Show a refusal of the operation at the field it names, or above the form."""
        field = refusal.field if refusal.field in self.fields else None
        self.add_error(field, ValidationError(refusal.message, code=refusal.code))


def _quantity_field(most: int) -> forms.IntegerField:
    widget: forms.Widget = forms.NumberInput(attrs={"min": 0, "max": most, "inputmode": "numeric"})
    if most <= _LONGEST_MENU:
        choices = [("0", _("Not this one")), *((str(n), str(n)) for n in range(1, most + 1))]
        widget = forms.Select(choices=choices)
    return forms.IntegerField(
        label=_("How many go back?"), required=False, min_value=0, max_value=most, widget=widget,
        error_messages={"max_value": translate("At most {most} can be returned.").format(most=most)},
    )  # fmt: skip
