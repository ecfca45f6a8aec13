"""Forms of drafts. They read and show; the operations check and write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.addresses import PARTS, Address
from core.forms import MomentInput
from core.money import MAX_DECIMALS
from drafts.models import DraftLine, DraftOrder
from drafts.operations import LineEdit, PaidInPerson
from drafts.states import Terms
from drafts.totals import NO_DISCOUNT, Discount
from inventory.models import Location
from orders.forms import NamedChoiceField
from orders.models import Channel, TaxRate
from orders.queries import country_choices
from payments.owed.methods import method_names

MOST_UNITS = 1_000_000
_PARTS = tuple(part for part in PARTS if part not in ("name", "phone"))
SHIPPING = [("", "—"), ("economy", _("Economy")), ("standard", _("Standard")), ("express", _("Express"))]


def plain(amount: Decimal | None) -> str:
    """A stored amount as it is typed, with at least two decimals where it has any: 12.5000 → 12.50, 9.0000 → 9."""
    if amount is None:
        return ""
    whole, _point, decimals = f"{amount:f}".partition(".")
    rest = decimals.rstrip("0")
    return f"{whole}.{rest:0<2}" if rest else whole


def discount_text(discount: Discount) -> str:
    """A discount as it is typed: 10% or 4.50."""
    if discount.kind == "none":
        return ""
    return f"{plain(discount.value)}{'%' if discount.kind == 'percent' else ''}"


class AmountField(forms.DecimalField):
    """An amount of money, typed in a plain field; a decimal comma is understood."""

    def __init__(self, **kwargs: Any) -> None:
        field = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "num"})
        super().__init__(
            **{"max_digits": 16, "decimal_places": MAX_DECIMALS, "min_value": Decimal(0), "widget": field, **kwargs}
        )

    def to_python(self, value: Any) -> Decimal | None:
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)


class DiscountField(forms.CharField):
    """“10%” is a percentage, “4.50” an amount, nothing is none."""

    def __init__(self, **kwargs: Any) -> None:
        field = forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "class": "num", "placeholder": "10%"}
        )
        super().__init__(**{"required": False, "max_length": 24, "widget": field, **kwargs})

    def clean(self, value: Any) -> Any:
        text = super().clean(value).strip().replace(",", ".").replace("٪", "%")
        if not text:
            return NO_DISCOUNT
        kind = "percent" if text.endswith("%") else "amount"
        try:
            amount = Decimal(text.removesuffix("%").strip())
        except InvalidOperation:
            raise forms.ValidationError(_("An amount, or a percentage such as 10%.")) from None
        if not amount.is_finite() or amount < 0 or (kind == "percent" and amount > 100) or amount > 10**9:
            raise forms.ValidationError(_("An amount, or a percentage such as 10%."))
        if amount != amount.quantize(Decimal("0.0001")):
            raise forms.ValidationError(_("At most four decimals."))
        return Discount(kind, amount) if amount else NO_DISCOUNT


class PercentField(forms.DecimalField):
    """A tax rate: percent on the screen, a fraction behind it."""

    def __init__(self, **kwargs: Any) -> None:
        field = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "num"})
        super().__init__(
            **{
                "max_digits": 5,
                "decimal_places": 3,
                "min_value": Decimal(0),
                "max_value": Decimal("99.999"),
                "widget": field,
                **kwargs,
            }
        )

    def to_python(self, value: Any) -> Decimal | None:
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)

    def clean(self, value: Any) -> Decimal | None:
        percent = super().clean(value)
        return None if percent is None else percent / 100


def _address_fields() -> dict[str, forms.Field]:
    """The parts of an address, none of them demanded: a draft is saved at every moment."""
    return {
        "company": forms.CharField(label=_("Company"), max_length=200, required=False),
        "line1": forms.CharField(label=_("Street and number"), max_length=200, required=False),
        "line2": forms.CharField(label=_("Addition"), max_length=200, required=False),
        "postal_code": forms.CharField(label=_("Postal code"), max_length=20, required=False),
        "city": forms.CharField(label=_("City"), max_length=120, required=False),
        "province": forms.CharField(label=_("Province"), max_length=120, required=False),
        "country": forms.ChoiceField(label=_("Country"), choices=_countries, required=False),
    }


def _countries() -> list[tuple[str, str]]:
    return [("", "—"), *country_choices()]


class ComposerForm(forms.Form):
    """A whole draft on one screen: its head and its lines. What is typed in the other fields belongs to the act that is pressed."""

    version = forms.IntegerField(widget=forms.HiddenInput(attrs={"id": "draft-version"}), min_value=0)
    channel = NamedChoiceField(label=_("Channel"), queryset=Channel.objects.none())
    customer_name = forms.CharField(label=_("Customer"), max_length=200, required=False)
    email = forms.EmailField(label=_("E-mail"), max_length=254, required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    currency = forms.RegexField(r"^[A-Z]{3}$", label=_("Currency"), help_text=_("Three capital letters, such as EUR."))
    location = NamedChoiceField(
        label=_("Handed over at"), queryset=Location.objects.none(), required=False, empty_label=_("It is shipped"),
        help_text=_("The goods leave this place at once, paid in full or on terms."),
    )  # fmt: skip
    shipping_method = forms.ChoiceField(label=_("Shipping method"), choices=SHIPPING, required=False)
    shipping_total = AmountField(label=_("Shipping costs"), required=False)
    discount = DiscountField(label=_("Discount"))
    tax_included = forms.BooleanField(label=_("Prices include tax"), required=False)
    tax_exempt = forms.BooleanField(label=_("No tax (exempt, reverse charge)"), required=False)
    po_number = forms.CharField(label=_("Purchase-order number"), max_length=60, required=False)
    terms = forms.ChoiceField(label=_("Payment terms"), choices=Terms.choices)
    expires_at = forms.DateTimeField(label=_("The offer ends"), required=False, widget=MomentInput())
    tags = forms.CharField(label=_("Tags"), max_length=400, required=False, help_text=_("Divided by commas."))
    note = forms.CharField(
        label=_("Note"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("The customer sees it.")
    )  # fmt: skip

    def __init__(self, data: Any = None, *, draft: DraftOrder, lines: Sequence[DraftLine]) -> None:
        super().__init__(data, initial=_initial(draft))
        self.draft, self.lines = draft, list(lines)
        self.fields["channel"].queryset = Channel.objects.filter(active=True).order_by("name")
        self.fields["location"].queryset = Location.objects.filter(active=True).order_by("name")
        for kind in ("ship", "bill"):
            self.fields |= {f"{kind}_{name}": field for name, field in _address_fields().items()}
        self.fields["ship_name"] = forms.CharField(label=_("Recipient"), max_length=200, required=False)
        self.fields["bill_name"] = forms.CharField(label=_("Name"), max_length=200, required=False)
        for line in lines:
            self._add_line(line)

    def _add_line(self, line: DraftLine) -> None:
        pk = line.pk
        more = {} if line.custom else {"widget": forms.HiddenInput()}
        self.fields[f"title-{pk}"] = forms.CharField(label=_("Title"), max_length=255, required=line.custom, **more)
        self.fields[f"quantity-{pk}"] = forms.IntegerField(
            label=_("Quantity"), min_value=0, max_value=MOST_UNITS,
            widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "num", "min": 0}),
        )  # fmt: skip
        self.fields[f"price-{pk}"] = AmountField(label=_("Price"))
        self.fields[f"discount-{pk}"] = DiscountField(label=_("Discount"))
        rate = line.draft.tax_rate if line.draft else None
        self.fields[f"tax-{pk}"] = PercentField(label=_("Tax %"), required=False)
        self.fields[f"tax-{pk}"].widget.attrs["placeholder"] = plain(rate * 100) if rate is not None else "—"
        self.initial |= {
            f"title-{pk}": line.title, f"quantity-{pk}": line.quantity, f"price-{pk}": plain(line.unit_price),
            f"discount-{pk}": discount_text(line.discount), f"tax-{pk}": plain(line.tax_rate * 100 if line.tax_rate is not None else None),
        }  # fmt: skip

    def head(self) -> dict[str, Any]:
        """What `edit_draft` wants of the head."""
        given = self.cleaned_data
        same = ("customer_name", "email", "phone", "language", "currency", "shipping_method", "discount", "tax_included", "tax_exempt",
                "po_number", "terms", "expires_at", "note")  # fmt: skip
        location = given["location"]
        return {name: given[name] for name in same} | {
            "channel_id": given["channel"].pk,
            "location_id": location.pk if location else None,
            "shipping_total": given["shipping_total"] or Decimal(0),
            "tags": [tag for word in given["tags"].split(",") if (tag := word.strip()[:40])],
            "shipping_address": self._address("ship", given["ship_name"] or given["customer_name"], given["phone"]),
            "billing_address": self._address("bill", given["bill_name"], ""),
        }

    def _address(self, kind: str, name: str, phone: str) -> Address:
        parts = {part: self.cleaned_data[f"{kind}_{part}"] for part in _PARTS}
        if not any(parts.values()) and kind == "bill":
            return Address()
        return Address(name=name, phone=phone, **parts)

    def edits(self, *, without: int | None = None) -> list[LineEdit]:
        """Every line as it stands on the screen. without: the line that is taken away."""
        given = self.cleaned_data
        return [
            LineEdit(
                line.pk, 0 if line.pk == without else given[f"quantity-{line.pk}"], given[f"price-{line.pk}"],
                given[f"discount-{line.pk}"], given[f"tax-{line.pk}"], given[f"title-{line.pk}"],
            )
            for line in self.lines
        ]  # fmt: skip

    def problems(self) -> list[str]:
        """Each refused field with its sentence, for the places where the fields themselves are not drawn anew."""
        return [
            f"{self.fields[name].label}: {error}" if name in self.fields else str(error)
            for name, errors in self.errors.items()
            for error in errors
        ]


def _initial(draft: DraftOrder) -> dict[str, Any]:
    same = ("version", "customer_name", "email", "phone", "language", "currency", "shipping_method", "tax_included", "tax_exempt",
            "po_number", "terms", "expires_at", "note")  # fmt: skip
    ship, bill = draft.ship_to, draft.bill_to
    initial: dict[str, Any] = {name: getattr(draft, name) for name in same} | {
        "channel": draft.channel_id, "location": draft.location_id, "shipping_total": plain(draft.shipping_total),
        "discount": discount_text(draft.discount), "tags": ", ".join(draft.tags),
        "ship_name": "" if ship.name == draft.customer_name else ship.name, "bill_name": bill.name,
    }  # fmt: skip
    for kind, address in (("ship", ship), ("bill", bill)):
        initial |= {f"{kind}_{part}": getattr(address, part) for part in _PARTS}
    return initial


class CustomLineForm(forms.Form):
    """Words and a price."""

    custom_title = forms.CharField(label=_("What it is"), max_length=255)
    custom_quantity = forms.IntegerField(
        label=_("Quantity"),
        min_value=1,
        max_value=MOST_UNITS,
        initial=1,
        widget=forms.NumberInput(attrs={"class": "num", "min": 1}),
    )
    custom_price = AmountField(label=_("Price"))


class HoldStockForm(forms.Form):
    """Until when stock is held."""

    hold_until = forms.DateTimeField(label=_("Hold the stock until"), widget=MomentInput())

    @classmethod
    def shown(cls, draft: DraftOrder, *, now: datetime) -> HoldStockForm:
        """With the date it has, or two days from now."""
        return cls(initial={"hold_until": draft.hold_until or now + timedelta(days=2)})


class PaidForm(forms.Form):
    """Money taken in person."""

    amount = AmountField(label=_("Amount"), required=False, help_text=_("Empty: all of it."))
    method = forms.ChoiceField(label=_("How it was paid"))
    reference = forms.CharField(label=_("Reference"), max_length=120, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["method"].choices = [(name, name) for name in method_names()]

    def paid(self) -> PaidInPerson:
        """What `complete_draft` wants."""
        given = self.cleaned_data
        return PaidInPerson(given["amount"], given["method"], given["reference"])


class TaxRateForm(forms.Form):
    """The tax of a country."""

    country = forms.ChoiceField(label=_("Country"), choices=_countries)
    name = forms.CharField(label=_("Name"), max_length=40, help_text=_("As papers call it, e.g. VAT."))
    rate = PercentField(label=_("Rate in percent"))
    on_shipping = forms.BooleanField(label=_("Shipping is taxed"), required=False, initial=True)

    @classmethod
    def of(cls, found: TaxRate) -> TaxRateForm:
        """The form as it shows a rate."""
        return cls(
            initial={
                "country": found.country,
                "name": found.name,
                "rate": plain(found.rate * 100),
                "on_shipping": found.on_shipping,
            }
        )


class NewDraftForm(forms.Form):
    """How a draft begins."""

    scenario = forms.ChoiceField(choices=[("phone", "phone"), ("counter", "counter"), ("wholesale", "wholesale")])
    customer = forms.IntegerField(required=False, min_value=1, max_value=2**62)

    def says(self) -> str:
        """Why it was refused."""
        return translate("Choose how the order comes in.")
