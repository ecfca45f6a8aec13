"""Forms of suppliers, purchase orders, receipts and costs. They read and show; the operations check and write."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.addresses import PARTS, Address
from inventory.models import Location, Variant
from inventory.operations.serials import read_serials
from orders.queries import country_choices
from purchasing.models import CostMethod, PurchaseLine, Supplier
from purchasing.operations import Confirmation, LineEdit, NewLine
from purchasing.states import ChargeBasis

MOST = 1_000_000
_DAY: dict[str, Any] = {"widget": forms.DateInput(attrs={"type": "date"})}
_MONEY: dict[str, Any] = {"max_digits": 14, "decimal_places": 4, "min_value": Decimal(0)}


def plain(amount: Decimal | None) -> str:
    """A stored amount as it is typed, without zeros that say nothing: 12.5000 → 12.50."""
    if amount is None:
        return ""
    whole, _point, decimals = f"{amount:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def units_field(label: Any, *, most: int = MOST, least: int = 0, **more: Any) -> forms.IntegerField:
    """A number of units."""
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}), **more
    )  # fmt: skip


class SupplierForm(forms.Form):
    """Who delivers, and under what terms."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autofocus": True}))
    code = forms.CharField(label=_("Code"), max_length=20, help_text=_("Short, for files and lists, e.g. ACME."))
    email = forms.EmailField(label=_("E-mail for orders"), max_length=254, required=False)
    currency = forms.CharField(label=_("Currency"), max_length=3, min_length=3, help_text=_("Of its prices, e.g. USD."))
    language = forms.ChoiceField(label=_("Language of its papers"), choices=settings.LANGUAGES)
    lead_time_days = forms.IntegerField(label=_("Lead time (days)"), min_value=0, max_value=730)
    lead_time_spread = forms.DecimalField(
        label=_("Spread (days)"), min_value=Decimal(0), max_value=Decimal(730), decimal_places=1, max_digits=5, required=False,
        help_text=_("Standard deviation: 2 means most deliveries come within 4 days of the lead time."),
    )  # fmt: skip
    minimum_order = forms.DecimalField(
        label=_("Minimum order"), required=False, help_text=_("Value of goods, in its currency."), **_MONEY
    )
    payment_terms = forms.CharField(label=_("Payment terms"), max_length=200, required=False)
    note = forms.CharField(label=_("Note"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    active = forms.BooleanField(label=_("Active"), required=False, initial=True)
    contact = forms.CharField(label=_("Contact"), max_length=120, required=False)
    company = forms.CharField(label=_("Company"), max_length=120, required=False)
    line1 = forms.CharField(label=_("Street and number"), max_length=200, required=False)
    line2 = forms.CharField(label=_("Further line"), max_length=200, required=False)
    city = forms.CharField(label=_("City"), max_length=100, required=False)
    province = forms.CharField(label=_("Province or state"), max_length=100, required=False)
    postal_code = forms.CharField(label=_("Postal code"), max_length=20, required=False)
    country = forms.ChoiceField(label=_("Country"), required=False, choices=lambda: [("", "—"), *country_choices()])
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)

    @classmethod
    def of(cls, supplier: Supplier) -> SupplierForm:
        """The form as it shows a supplier."""
        names = (
            "name",
            "code",
            "email",
            "currency",
            "language",
            "lead_time_days",
            "lead_time_spread",
            "payment_terms",
            "note",
            "active",
        )
        address = supplier.postal_address
        initial = {name: getattr(supplier, name) for name in names} | {
            p: getattr(address, p) for p in PARTS if p != "name"
        }
        return cls(initial=initial | {"contact": address.name, "minimum_order": plain(supplier.minimum_order)})

    def values(self) -> dict[str, Any]:
        """What `save_supplier` wants."""
        cleaned = dict(self.cleaned_data)
        address = Address(name=cleaned.pop("contact"), **{part: cleaned.pop(part) for part in PARTS if part != "name"})
        for name in ("lead_time_spread", "minimum_order"):
            cleaned[name] = cleaned[name] or Decimal(0)
        return cleaned | {"address": address}


class ItemForm(forms.Form):
    """How a supplier sells one of our SKUs."""

    variant_sku = forms.CharField(
        label=_("Our SKU or barcode"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    sku = forms.CharField(label=_("Supplier's SKU"), max_length=64, required=False)
    price = forms.DecimalField(label=_("Price per unit"), **_MONEY)
    pack_size = units_field(_("Pack size"), least=1, initial=1)
    minimum_quantity = units_field(_("Minimum quantity"), initial=1)
    lead_time_days = forms.IntegerField(
        label=_("Lead time (days)"), min_value=0, max_value=730, required=False, help_text=_("Empty: the supplier's.")
    )
    preferred = forms.BooleanField(label=_("Preferred supplier of it"), required=False)

    def values(self) -> dict[str, Any]:
        """What `save_supplier_item` wants."""
        return {name: value for name, value in self.cleaned_data.items() if name != "variant_sku"}


class ImportForm(forms.Form):
    """A file of suppliers and their prices."""

    file = forms.FileField(
        label=_("CSV or .xlsx file"), widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"})
    )


class NewOrderForm(forms.Form):
    """A new draft."""

    supplier = forms.ModelChoiceField(label=_("Supplier"), queryset=Supplier.objects.none())
    location = forms.ModelChoiceField(label=_("Deliver to"), queryset=Location.objects.none())
    expected_on = forms.DateField(
        label=_("Expected on"), required=False, help_text=_("Empty: today and the lead time."), **_DAY
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["supplier"].queryset = Supplier.objects.filter(active=True).order_by("name")
        self.fields["supplier"].label_from_instance = lambda supplier: supplier.name
        self.fields["location"].queryset = Location.objects.filter(active=True).order_by("rank", "name")
        self.fields["location"].label_from_instance = lambda location: location.name


class _ByLine(forms.Form):
    """A form with fields for each line of an order; `version` is the order's as it was shown."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, lines: Sequence[PurchaseLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = list(lines)
        for line in self.lines:
            self.add_fields(line)

    def add_fields(self, line: PurchaseLine) -> None:
        raise NotImplementedError

    def rows(self) -> Iterator[tuple[PurchaseLine, list[forms.BoundField]]]:
        """Each line with its fields, in the order in which they were added."""
        for line in self.lines:
            yield line, [self[name] for name in self.fields if name.endswith(f"-{line.pk}")]


class EditForm(_ByLine):
    """A draft: its head, its lines, and one more line."""

    location = forms.ModelChoiceField(label=_("Deliver to"), queryset=Location.objects.none())
    expected_on = forms.DateField(label=_("Expected on"), required=False, **_DAY)
    note = forms.CharField(
        label=_("Note to the supplier"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    sku = forms.CharField(
        label=_("SKU or barcode"), max_length=64, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    quantity = units_field(_("Units"), least=1, required=False)
    unit_cost = forms.DecimalField(label=_("Unit cost"), required=False, **_MONEY)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["location"].queryset = Location.objects.filter(active=True).order_by("rank", "name")
        self.fields["location"].label_from_instance = lambda location: location.name

    def add_fields(self, line: PurchaseLine) -> None:
        self.fields[f"quantity-{line.pk}"] = units_field(_("Units"), initial=line.ordered)
        self.fields[f"cost-{line.pk}"] = forms.DecimalField(
            label=_("Unit cost"), initial=plain(line.unit_cost), **_MONEY
        )

    def head(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {"location_id": cleaned["location"].pk, "expected_on": cleaned["expected_on"], "note": cleaned["note"]}

    def edits(self) -> list[LineEdit]:
        cleaned = self.cleaned_data
        return [LineEdit(line.pk, cleaned[f"quantity-{line.pk}"], cleaned[f"cost-{line.pk}"]) for line in self.lines]

    def added(self, variant: Variant | None) -> list[NewLine]:
        cleaned = self.cleaned_data
        return [NewLine(variant.pk, cleaned["quantity"] or 1, cleaned["unit_cost"])] if variant else []


class ConfirmForm(_ByLine):
    """What the supplier has answered."""

    reference = forms.CharField(label=_("Supplier's reference"), max_length=80, required=False)

    def add_fields(self, line: PurchaseLine) -> None:
        self.fields[f"quantity-{line.pk}"] = units_field(_("Units"), initial=line.expected)
        self.fields[f"day-{line.pk}"] = forms.DateField(
            label=_("Date"), required=False, initial=line.confirmed_on, **_DAY
        )

    def confirmations(self) -> list[Confirmation]:
        cleaned = self.cleaned_data
        return [Confirmation(line.pk, cleaned[f"quantity-{line.pk}"], cleaned[f"day-{line.pk}"]) for line in self.lines]


class CloseForm(_ByLine):
    """What will not come, and why."""

    reason = forms.CharField(label=_("Reason"), max_length=200)

    def __init__(self, *args: Any, lines: Sequence[PurchaseLine], **kwargs: Any) -> None:
        super().__init__(*args, lines=[line for line in lines if line.to_come], **kwargs)

    def add_fields(self, line: PurchaseLine) -> None:
        self.fields[f"quantity-{line.pk}"] = units_field(
            _("Will not come"), most=line.to_come, initial=line.to_come, required=False
        )

    def units(self) -> dict[int, int]:
        return {line.pk: self.cleaned_data[f"quantity-{line.pk}"] or 0 for line in self.lines}


class CancelForm(forms.Form):
    """Why an order is cancelled."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class ChargesForm(forms.Form):
    """What comes on top of the goods, and what a unit of the currency is worth."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    freight = forms.DecimalField(label=_("Freight"), **_MONEY)
    duty = forms.DecimalField(label=_("Duty"), **_MONEY)
    other = forms.DecimalField(label=_("Other charges"), **_MONEY)
    charge_basis = forms.ChoiceField(label=_("Spread over the lines"), choices=ChargeBasis.choices)
    exchange_rate = forms.DecimalField(label=_("Exchange rate"), max_digits=18, decimal_places=8, required=False)
    rate_source = forms.CharField(
        label=_("Source of the rate"),
        max_length=120,
        required=False,
        help_text=_("Where it was read, and of which day."),
    )

    def __init__(self, *args: Any, foreign: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not foreign:
            del self.fields["exchange_rate"], self.fields["rate_source"]

    def values(self) -> dict[str, Any]:
        """What `change_charges` wants."""
        cleaned = self.cleaned_data
        return {
            "freight": cleaned["freight"], "duty": cleaned["duty"], "other": cleaned["other"], "basis": cleaned["charge_basis"],
            "exchange_rate": cleaned.get("exchange_rate"), "rate_source": cleaned.get("rate_source") or "",
        }  # fmt: skip


class CountForm(forms.Form):
    """A count that is typed instead of scanned, with the lot or the serial numbers where the goods are followed by them."""

    line = forms.IntegerField(widget=forms.HiddenInput)
    counted = units_field(_("Units"), required=False)
    damaged = units_field(_("Damaged among them"), required=False)
    lot_code = forms.CharField(label=_("Lot"), max_length=40, required=False)
    expires_on = forms.DateField(label=_("Expires on"), required=False, **_DAY)
    serials = forms.CharField(
        label=_("Serial numbers"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One on a line."),
    )

    def values(self) -> dict[str, Any]:
        """What `set_count` wants."""
        cleaned = self.cleaned_data
        return {
            "line_id": cleaned["line"], "counted": cleaned["counted"] or 0, "damaged": cleaned["damaged"] or 0,
            "lot_code": cleaned["lot_code"], "expires_on": cleaned["expires_on"], "serials": read_serials(cleaned["serials"]),
        }  # fmt: skip


class BookForm(forms.Form):
    """Put into stock what is counted. `key` is made with the form: sending it twice books once."""

    key = forms.CharField(widget=forms.HiddenInput, min_length=8, max_length=64)
    reference = forms.CharField(label=_("Delivery note"), max_length=80, required=False)
    reason = forms.CharField(label=_("Why more than expected"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid.uuid4().hex, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


class CostForm(forms.Form):
    """What one unit in stock costs, for goods of which nobody knew it."""

    unit_cost = forms.DecimalField(label=_("Cost of one unit"), **_MONEY)
    note = forms.CharField(label=_("Where it comes from"), max_length=200)


class MethodForm(forms.Form):
    """How costs are read."""

    method = forms.ChoiceField(label=_("Cost method"), choices=CostMethod.choices, widget=forms.RadioSelect)


class PeriodForm(forms.Form):
    """Days of a report."""

    first = forms.DateField(label=pgettext_lazy("day", "From"), required=False, **_DAY)
    last = forms.DateField(label=pgettext_lazy("day", "To"), required=False, **_DAY)
