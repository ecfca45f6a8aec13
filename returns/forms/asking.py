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
from orders.groups import grouped
from orders.models import OrderBundle
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


@dataclass(frozen=True, slots=True)
class ReturnGroup:
    """A bundle with its fields and lines: it can go back whole where `quantity` is a field, or by the component. A line that was
    sold by itself is alone, without a bundle."""

    bundle: OrderBundle | None
    quantity: BoundField | None
    reason: BoundField | None
    rows: list[ReturnRow]


class ReturnForm(forms.Form):
    """Units of each line that go back, with the reason. Fields are `quantity-<line id>`, `reason-<line id>`, `note-<line id>`, and
    for whole bundles `bundle-<bundle id>`, `bundle-reason-<bundle id>`.

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
        self.most = {item.line.pk: item.sent if beyond_window else item.quantity for item in items}
        self.bundles: dict[int, list[ReturnableLine]] = {}
        for bundle, members in grouped(items, lambda item: item.line.bundle):
            sets = self._whole(members) if bundle else 0
            if bundle and sets:
                self.bundles[bundle.pk] = members
                self.fields[f"bundle-{bundle.pk}"] = _quantity_field(sets)
                self.fields[f"bundle-reason-{bundle.pk}"] = _reason_field()
        for item in items:
            pk = item.line.pk
            self.fields[f"quantity-{pk}"] = _quantity_field(self.most[pk])
            self.fields[f"reason-{pk}"] = _reason_field()
            self.fields[f"note-{pk}"] = forms.CharField(
                label=_("What is wrong with it?"), required=False, max_length=500
            )

    def _whole(self, members: Sequence[ReturnableLine]) -> int:
        """Whole bundles that can go back: none while a component of theirs cannot."""
        if len(members) < members[0].mates:
            return 0
        return min(self.most[item.line.pk] // (item.line.per_bundle or 1) for item in members)

    def clean(self) -> dict[str, Any]:
        """Every chosen line has a reason, at least one is chosen, and none belongs to somebody else."""
        data = super().clean() or {}
        for pk in self.bundles:
            name = f"bundle-reason-{pk}"
            if data.get(f"bundle-{pk}") and not data.get(name) and not self.errors.get(name):
                self.add_error(name, ValidationError(translate("Choose a reason."), code="no_reason"))
        for wish in self.wanted():
            most, name = self.most[wish.order_line_id], f"quantity-{wish.order_line_id}"
            if wish.quantity > most and not self.errors.get(name):
                text = translate("At most {most} can be returned.").format(most=most)
                self.add_error(name, ValidationError(text, code="too_many"))
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
        return {
            name
            for name, value in self.data.items()
            if name.startswith(("quantity-", "bundle-")) and value not in ("", "0") and name not in self.fields
        }

    def wanted(self) -> list[LineRequest]:
        """What the customer chose, as far as it is valid."""
        data = getattr(self, "cleaned_data", {})
        wishes = []
        for item in self.items:
            pk, bundle = item.line.pk, item.line.bundle_id
            whole = (data.get(f"bundle-{bundle}") or 0) * (item.line.per_bundle or 1) if bundle in self.bundles else 0
            if quantity := (data.get(f"quantity-{pk}") or 0) + whole:
                reason = data.get(f"reason-{pk}") or (data.get(f"bundle-reason-{bundle}", "") if whole else "")
                wishes.append(LineRequest(pk, quantity, reason, data.get(f"note-{pk}", "")))
        return wishes

    def groups(self) -> list[ReturnGroup]:
        """The rows under the bundles that they were sold as, for the page."""
        return [
            ReturnGroup(
                bundle,
                self[f"bundle-{bundle.pk}"] if bundle and bundle.pk in self.bundles else None,
                self[f"bundle-reason-{bundle.pk}"] if bundle and bundle.pk in self.bundles else None,
                rows,
            )
            for bundle, rows in grouped(self.rows(), lambda row: row.item.line.bundle)
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


def _reason_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Reason"), required=False, choices=[("", _("Choose a reason")), *ReturnReason.choices]
    )


def _quantity_field(most: int) -> forms.IntegerField:
    widget: forms.Widget = forms.NumberInput(attrs={"min": 0, "max": most, "inputmode": "numeric"})
    if most <= _LONGEST_MENU:
        choices = [("0", _("Not this one")), *((str(n), str(n)) for n in range(1, most + 1))]
        widget = forms.Select(choices=choices)
    return forms.IntegerField(
        label=_("How many go back?"), required=False, min_value=0, max_value=most, widget=widget,
        error_messages={"max_value": translate("At most {most} can be returned.").format(most=most)},
    )  # fmt: skip
