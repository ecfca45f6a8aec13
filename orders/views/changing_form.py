"""The form of a change order: the order's lines to be edited in place, rows for more, and what else of it can change.

What a person changed is told by comparing each field with the value that the page showed, so that a form sent for an order that
somebody else changed meanwhile changes nothing but what this person meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.addresses import PARTS, Address
from core.money import MAX_DECIMALS, quantize
from core.refusals import Invalid, Refusal
from oms.orchestration.changing.changes import Change, parse_changes
from oms.orchestration.changing.editing import Edit
from oms.orchestration.changing.pricing import discount_left, units_left
from orders.models import Order, OrderBundle, OrderLine
from orders.queries import country_choices

#: Lines that the page offers to edit; an order with more is changed through the API.
MOST_ROWS = 400
_LONGEST = {"line1": 200, "line2": 200, "name": 200, "company": 200, "city": 120, "province": 120, "postal_code": 20}
_LABELS = {
    "name": _("Name"), "company": _("Company"), "line1": _("Street and number"), "line2": _("Addition"),
    "city": _("City"), "province": _("Province"), "postal_code": _("Postal code"), "country": _("Country"), "phone": _("Phone"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A line or a whole bundle as the page offers it. free: units that can still change; why: what holds the others."""

    reference: str
    sku: str
    title: str
    bundle: OrderBundle | None
    lines: list[OrderLine]
    units: int
    price: Decimal
    discount: Decimal
    free: int
    why: str
    fields: tuple[str, ...]


def rows_of(edit: Edit) -> list[Row]:
    """What can be edited in place: lines of which something is left, bundles as one row."""
    rows, seen = [], set()
    for line in edit.lines.values():
        bundle = edit.bundles.get(line.bundle_id or 0)
        if bundle is not None and bundle.pk in seen:
            continue
        seen.add(bundle.pk if bundle else 0)
        row = _row(edit, bundle, edit.parts(bundle.pk) if bundle else [line])
        if row.units:
            rows.append(row)
    return rows[:MOST_ROWS]


def _row(edit: Edit, bundle: OrderBundle | None, lines: list[OrderLine]) -> Row:
    first = lines[0]
    units = min(units_left(line) // (line.per_bundle or 1) for line in lines) if bundle else units_left(first)
    free = edit.changeable(bundle, lines)
    started = any(units_left(line) > edit.free[line.pk] for line in lines)
    fields: tuple[str, ...] = ("units",)
    if not started:
        fields += ("price", "discount") if bundle is None else ("discount",)
    if free:
        fields += ("swap",)
    if free and bundle is None and units > 1:
        fields += ("split",)
    return Row(
        f"bundle-{bundle.pk}" if bundle else str(first.pk), bundle.sku if bundle else first.sku, bundle.title if bundle else first.title,
        bundle, lines, units, bundle.unit_price if bundle else first.unit_price,
        sum((discount_left(line, edit.currency) for line in lines), Decimal(0)), free, edit.why_not(lines) if started else "", fields,
    )  # fmt: skip


def _money(label: Any, **kwargs: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, min_value=Decimal(0), max_digits=16, decimal_places=4, required=False, **kwargs
    )


class ChangeForm(forms.Form):
    """The whole page. Fields that were shown with a value carry it along, and only those that differ from it are changes."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    key = forms.CharField(widget=forms.HiddenInput, max_length=60)
    discount_amount = _money(_("Further discount"))
    discount_percent = forms.DecimalField(
        label=_("or percent"), min_value=Decimal(0), max_value=Decimal(100), decimal_places=2, required=False
    )
    shipping_method = forms.CharField(
        label=_("Shipping method"), max_length=80, required=False, show_hidden_initial=True
    )
    shipping_total = _money(_("Shipping costs"), show_hidden_initial=True)
    customer_name = forms.CharField(label=_("Customer"), max_length=200, required=False, show_hidden_initial=True)
    email = forms.EmailField(label=_("E-mail"), required=False, show_hidden_initial=True)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False, show_hidden_initial=True)
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)

    def __init__(self, data: Any = None, *, edit: Edit, key: str, lines: AddedLines | None = None) -> None:
        self.edit, self.rows = edit, rows_of(edit)
        self.added = lines
        order = edit.order
        super().__init__(data, initial=_initial(order, self.rows, key))
        self.addresses = {
            "ship": Address.from_json(order.shipping_address),
            "bill": Address.from_json(order.billing_address),
        }
        for row in self.rows:
            self._add_row(row)
        for prefix in self.addresses:
            for part in PARTS:
                self.fields[f"{prefix}-{part}"] = _address_field(part)
        self.sources: list[str] = []  # per change the field that it came from

    def _add_row(self, row: Row) -> None:
        made = {
            "units": lambda: forms.IntegerField(
                min_value=0, max_value=1_000_000, required=False, show_hidden_initial=True
            ),
            "price": lambda: _money("", show_hidden_initial=True),
            "discount": lambda: _money("", show_hidden_initial=True),
            "swap": lambda: forms.CharField(max_length=64, required=False, widget=sku_input()),
            "split": lambda: forms.IntegerField(min_value=1, max_value=row.units - 1, required=False),
        }
        labels = {
            "units": translate("Quantity of {sku}"), "price": translate("Price of {sku}"), "discount": translate("Discount on {sku}"),
            "swap": translate("Instead of {sku}"), "split": translate("Units of {sku} to split off"),
        }  # fmt: skip
        for name in row.fields:
            found = made[name]()
            found.label = labels[name].format(sku=row.sku)
            found.widget.attrs |= {"aria-label": found.label}
            self.fields[f"{name}-{row.reference}"] = found

    def table(self) -> list[tuple[Row, dict[str, forms.BoundField]]]:
        """Each row with its fields by name."""
        return [(row, {name: self[f"{name}-{row.reference}"] for name in row.fields}) for row in self.rows]

    def carried(self) -> list[str]:
        """The values that fields were shown with, as hidden fields, for those that stand outside the table of lines."""
        in_table = {f"{name}-{row.reference}" for row in self.rows for name in row.fields}
        return [
            self[name].as_hidden(only_initial=True)
            for name, field in self.fields.items()
            if field.show_hidden_initial and name not in in_table
        ]

    def address_fields(self, prefix: str) -> list[forms.BoundField]:
        """The fields of one address."""
        order = ("name", "company", "line1", "line2", "postal_code", "city", "province", "country", "phone")
        return [self[f"{prefix}-{part}"] for part in order]

    @property
    def ship_fields(self) -> list[forms.BoundField]:
        return self.address_fields("ship")

    @property
    def bill_fields(self) -> list[forms.BoundField]:
        return self.address_fields("bill")

    def changes(self) -> list[Change]:
        """What was changed, in an order in which it can be done. Puts errors to their fields; check `is_valid` after it."""
        found = [*self._of_people(), *self._of_lines(), *self._of_added(), *self._of_discount()]
        self.sources = [source for source, _data in found]
        changes: list[Change] = []
        for source, data in found:
            try:
                changes += parse_changes([data])
            except Invalid as invalid:
                self.blame(source, invalid)
        if not found and not self.errors:
            self.add_error(None, translate("Nothing is changed yet."))
        return changes

    def blame(self, source: str, refusal: Refusal) -> None:
        """Show why a change cannot be made at the field that it came from."""
        if source.startswith("add-") and self.added is not None:
            line = self.added.forms[int(source[4:])]
            field = (refusal.field or "").rpartition(".")[2]
            line.add_error({"title": "sku"}.get(field, field) if field in line.fields else None, refusal.message)
        else:
            self.add_error(source if source in self.fields else None, refusal.message)

    def _of_people(self) -> list[tuple[str, dict[str, Any]]]:
        given, changed, found = self.cleaned_data, set(self.changed_data), []
        names = {"customer_name": "name", "email": "email", "phone": "phone"}
        found += [
            (field, {"kind": "change_contact", name: given.get(field, "")})
            for field, name in names.items()
            if field in changed
        ]
        for prefix, which in (("ship", "shipping"), ("bill", "billing")):
            parts = {part: given.get(f"{prefix}-{part}") or "" for part in PARTS}
            touched = [part for part in PARTS if f"{prefix}-{part}" in changed]
            if touched:
                parts["country"] = parts["country"] or self.edit.order.ship_country
                data = {"kind": "change_address", "which": which, "address": {k: v for k, v in parts.items() if v}}
                found.append((f"{prefix}-{touched[0]}", data))
        if "shipping_method" in changed:
            found.append(("shipping_method", {"kind": "change_shipping", "method": given["shipping_method"]}))
        if "shipping_total" in changed:
            price = given.get("shipping_total")
            found.append(
                ("shipping_total", {"kind": "change_shipping", "price": price if price is not None else Decimal(0)})
            )
        return found

    def _of_lines(self) -> list[tuple[str, dict[str, Any]]]:
        kinds = {
            "split": lambda row, value: {"kind": "split_line", "units": value},
            "price": lambda row, value: {"kind": "reprice", "price": value or Decimal(0)},
            "discount": lambda row, value: {"kind": "discount_line", "amount": value or Decimal(0)},
            "units": lambda row, value: {"kind": "set_quantity", "quantity": value or 0},
            "swap": lambda row, value: {"kind": "swap_variant", "sku": value},
        }
        changed, found = set(self.changed_data), []
        for name, data in kinds.items():
            for row in self.rows:
                field = f"{name}-{row.reference}"
                if field in changed and field not in self.errors:
                    value = self.cleaned_data.get(field)
                    # Nothing is left of a line that is taken out: its price does not matter any more.
                    gone = (
                        name in ("price", "discount", "swap") and self.cleaned_data.get(f"units-{row.reference}") == 0
                    )
                    if not gone and not (name in ("split", "swap") and not value):
                        found.append((field, {**data(row, value), "line": row.reference}))
        return found

    def _of_added(self) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for n, line in enumerate(self.added.forms if self.added is not None else ()):
            if not line.has_changed() or not hasattr(line, "cleaned_data"):
                continue
            given = line.cleaned_data
            data = {
                "kind": "add_line",
                "quantity": given.get("quantity") or 0,
                "price": given.get("price"),
                "discount": given.get("discount") or 0,
            }
            if given.get("tax_percent") is not None:
                data["tax_rate"] = given["tax_percent"] / 100
            data["title" if given.get("custom") else "sku"] = given.get("sku") or ""
            found.append((f"add-{n}", data))
        return found

    def _of_discount(self) -> list[tuple[str, dict[str, Any]]]:
        given = self.cleaned_data
        if given.get("discount_amount"):
            return [("discount_amount", {"kind": "discount_order", "amount": given["discount_amount"]})]
        if given.get("discount_percent"):
            return [("discount_percent", {"kind": "discount_order", "percent": given["discount_percent"]})]
        return []

    def again(self, edit: Edit) -> ChangeForm:
        """The same form for the order as it is now, with what this person had changed and nothing else."""
        fresh = ChangeForm(edit=edit, key="", lines=self.added)
        data: dict[str, Any] = {}
        for name, field in fresh.fields.items():
            data[name] = fresh.get_initial_for_field(field, name)
            if field.show_hidden_initial:
                data[fresh.add_initial_prefix(name)] = data[name]
        data |= {name: self.data.get(name) for name in self.changed_data if name in fresh.fields and name != "version"}
        return ChangeForm(data | {"key": self.data.get("key")}, edit=edit, key="", lines=self.added)


def _initial(order: Order, rows: Sequence[Row], key: str) -> dict[str, Any]:
    initial: dict[str, Any] = {
        "version": order.version, "key": key, "shipping_method": order.shipping_method,
        "shipping_total": _shown(order.shipping_total, order.currency), "customer_name": order.customer_name, "email": order.email,
        "phone": order.phone,
    }  # fmt: skip
    for prefix, stored in (("ship", order.shipping_address), ("bill", order.billing_address)):
        initial |= {f"{prefix}-{part}": value for part, value in Address.from_json(stored).to_json().items()}
    for row in rows:
        initial[f"units-{row.reference}"] = row.units
        initial[f"price-{row.reference}"] = _shown(row.price, order.currency)
        initial[f"discount-{row.reference}"] = _shown(row.discount, order.currency)
    return initial


def _shown(amount: Decimal, currency: str) -> Decimal:
    """An amount with the currency's decimals, unless it is finer."""
    rounded = quantize(amount, currency)
    return rounded if rounded == amount else amount.normalize()


def _address_field(part: str) -> forms.Field:
    if part == "country":
        choices = [("", "—"), *country_choices()]
        return forms.ChoiceField(label=_LABELS[part], choices=choices, required=False, show_hidden_initial=True)
    return forms.CharField(
        label=_LABELS[part], max_length=_LONGEST.get(part, 40), required=False, show_hidden_initial=True
    )


def sku_input() -> forms.TextInput:
    """A field in which a SKU is looked up while it is typed; the page has the list of suggestions."""
    return forms.TextInput(
        attrs={
            "list": "sku-suggestions", "autocomplete": "off", "data-sku": "",
            "hx-get": reverse_lazy("order-skus"), "hx-trigger": "input changed delay:200ms", "hx-target": "#sku-suggestions", "hx-swap": "outerHTML",
        }
    )  # fmt: skip


class AddedLineForm(forms.Form):
    """One more line: a SKU, or words and a price."""

    sku = forms.CharField(label=_("SKU, or words"), max_length=255, widget=sku_input())
    custom = forms.BooleanField(label=_("no product, only words"), required=False)
    quantity = forms.IntegerField(label=_("Quantity"), min_value=1, max_value=1_000_000, initial=1)
    price = _money(_("Price"))
    discount = _money(_("Discount"))
    tax_percent = forms.DecimalField(
        label=_("Tax %"), min_value=Decimal(0), max_value=Decimal("99"), decimal_places=MAX_DECIMALS - 1, required=False
    )


AddedLines = forms.formset_factory(AddedLineForm, extra=3, max_num=100, absolute_max=100)
