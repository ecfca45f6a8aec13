"""Forms of products, stock and locations."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.addresses import Address
from core.forms import WrittenByOperation, time_zone_choices
from inventory.models import Bucket, Location, MovementReason, Product, Variant
from inventory.operations.adjusting import ADJUSTABLE, MAX_COUNT
from orders.models import Channel
from orders.queries import country_choices

#: Buckets in the order in which they stand everywhere, without those that follow from orders.
BUCKETS_BY_HAND = [(bucket.value, bucket.label) for bucket in Bucket if bucket in ADJUSTABLE]
#: Reasons that a person gives; the others belong to what orders and returns do.
REASONS_BY_HAND = [
    (reason.value, reason.label)
    for reason in (
        MovementReason.COUNTED, MovementReason.RECEIVED, MovementReason.CORRECTION, MovementReason.DAMAGED, MovementReason.LOST,
        MovementReason.FOUND, MovementReason.SCRAPPED, MovementReason.SAFETY, MovementReason.INCOMING,
    )
]  # fmt: skip


class CheckedByOperation(WrittenByOperation):
    """A model form whose operation also checks what is unique or constrained."""

    def _post_clean(self) -> None:
        """Nothing is put on the instance here: it stays as it is stored, and what the model cannot be is the operation's to say."""


class ProductForm(CheckedByOperation):
    """What is sold."""

    handle = forms.CharField(
        label=_("Handle"),
        required=False,
        max_length=255,
        help_text=_("Its name in web addresses and import files. Empty: made from the title."),
    )
    tags = forms.CharField(label=_("Tags"), required=False, max_length=2000, help_text=_("Divided by commas."))

    class Meta:
        model = Product
        fields = ["title", "handle", "vendor", "product_type", "tags", "active"]
        help_texts = {"active": _("A product that is switched off keeps its history; its variants stay as they are.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["tags"] = ", ".join(self.instance.tags or ())

    def clean_tags(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]


class VariantForm(CheckedByOperation):
    """The sellable unit."""

    title = forms.CharField(
        label=_("Title"),
        required=False,
        max_length=255,
        help_text=_("As printed on papers. Empty: the product's title and the options."),
    )
    options = forms.CharField(
        label=_("Options"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("One on a line, e.g. Size: M"),
    )
    origin_country = forms.ChoiceField(
        label=_("Country of origin"), required=False, choices=lambda: [("", "—"), *country_choices()]
    )

    merge = forms.BooleanField(
        label=_("Lots and serial numbers in stock may be forgotten"),
        required=False,
        help_text=_("Only when it is followed otherwise from now on: nothing tells these units apart any more."),
    )

    class Meta:
        model = Variant
        fields = [
            "sku", "title", "options", "barcode", "price", "cost", "weight_grams", "length_mm", "width_mm", "height_mm", "hs_code",
            "origin_country", "requires_shipping", "active", "tracking", "min_remaining_days", "released_on",
        ]  # fmt: skip
        widgets = {"released_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        help_texts = {
            "tracking": _(
                "By lot: with expiry dates, what expires first leaves first. By serial number: each unit is scanned into its parcel."
            ),
            "min_remaining_days": _("By lot only. 0: it ships up to the day it expires."),
            "released_on": _("Sold before that day it is a pre-order: its units wait, even when they are here."),
            "barcode": _("GTIN (EAN, UPC) or a code of your own; scanners find the variant by it."),
            "hs_code": _("6 to 14 digits, for customs papers."),
        }

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["options"] = "\n".join(f"{name}: {value}" for name, value in (self.instance.options or {}).items())
        for name in ("price", "cost"):
            field = self.fields[name]
            field.label = f"{field.label} ({currency})"
            if self.initial.get(name) is not None:
                self.initial[name] = _plain(self.initial[name])
        for name in ("weight_grams", "length_mm", "width_mm", "height_mm", "min_remaining_days"):
            self.fields[name].widget.attrs["inputmode"] = "numeric"
        self.fields["tracking"].required = self.fields["min_remaining_days"].required = False

    def clean_tracking(self) -> str:
        return self.cleaned_data["tracking"] or self.instance.tracking

    def clean_options(self) -> dict[str, str]:
        options: dict[str, str] = {}
        for line in self.cleaned_data["options"].splitlines():
            name, colon, value = (part.strip() for part in line.partition(":"))
            if not (name or value):
                continue
            if not (name and colon and value):
                raise forms.ValidationError(translate("Write “{line}” as name: value.").format(line=line.strip()[:40]))
            if name in options:
                raise forms.ValidationError(translate("“{name}” stands there twice.").format(name=name[:40]))
            options[name] = value
        return options


def _plain(amount: Any) -> str:
    """A stored amount without zeros that say nothing: 12.5000 → 12.50."""
    text = f"{amount:f}".rstrip("0")
    whole, _point, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


class AdjustForm(forms.Form):
    """A change of one count, with its reason. `key` is made with the form: sending it twice moves once."""

    bucket = forms.ChoiceField(label=pgettext_lazy("noun", "Count"), choices=BUCKETS_BY_HAND, initial=Bucket.ON_HAND)
    how = forms.ChoiceField(
        label=_("How"),
        choices=[("change", _("Change by")), ("set", _("Set to"))],
        initial="change",
        widget=forms.RadioSelect,
    )
    quantity = forms.IntegerField(
        label=_("Units"), min_value=-MAX_COUNT, max_value=MAX_COUNT, help_text=_("With a minus to take away."),
        widget=forms.NumberInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    reason = forms.ChoiceField(label=_("Reason"), choices=REASONS_BY_HAND)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)
    key = forms.CharField(widget=forms.HiddenInput, max_length=32)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid.uuid4().hex, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("how") == "change" and cleaned.get("quantity") == 0:
            self.add_error("quantity", translate("A change by nothing changes nothing."))
        return cleaned

    def amounts(self) -> dict[str, int | None]:
        """quantity and set_to, one of them None."""
        number = self.cleaned_data["quantity"]
        return (
            {"quantity": None, "set_to": number}
            if self.cleaned_data["how"] == "set"
            else {"quantity": number, "set_to": None}
        )


class AddStockForm(AdjustForm):
    """The first units of a SKU at a location, or more of them."""

    sku = forms.CharField(
        label=_("SKU or barcode"),
        max_length=64,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    location = forms.ModelChoiceField(label=_("Location"), queryset=Location.objects.none())
    bin_name = forms.CharField(label=_("Bin"), required=False, max_length=40, help_text=_("Empty: as it is."))
    field_order = ("sku", "location", "bucket", "how", "quantity", "reason", "bin_name", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"reason": MovementReason.RECEIVED, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.fields["location"].queryset = Location.objects.filter(active=True).order_by("name")


class BinForm(forms.Form):
    """Where it lies."""

    bin_name = forms.CharField(label=_("Bin"), required=False, max_length=40, help_text=_("Empty: in no bin."))


class SafetyForm(forms.Form):
    """How many units are kept back."""

    set_to = forms.IntegerField(
        label=_("Safety stock"),
        min_value=0,
        max_value=MAX_COUNT,
        help_text=_("Units that are not sold, at each of the chosen rows."),
    )


class CountForm(forms.Form):
    """One count for many rows."""

    bucket = forms.ChoiceField(label=pgettext_lazy("noun", "Count"), choices=BUCKETS_BY_HAND, initial=Bucket.ON_HAND)
    set_to = forms.IntegerField(label=_("Set to"), min_value=0, max_value=MAX_COUNT)
    reason = forms.ChoiceField(label=_("Reason"), choices=REASONS_BY_HAND)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)


_ADDRESS_FIELDS = ("company", "line1", "line2", "city", "province", "postal_code", "country", "phone")


class LocationForm(CheckedByOperation):
    """A place that holds or ships goods."""

    contact = forms.CharField(
        label=_("Name on labels"), required=False, max_length=120, help_text=_("Empty: the location's name.")
    )
    company = forms.CharField(label=_("Company"), required=False, max_length=120)
    line1 = forms.CharField(label=_("Street and number"), required=False, max_length=200)
    line2 = forms.CharField(label=_("Further line"), required=False, max_length=200)
    city = forms.CharField(label=_("City"), required=False, max_length=100)
    province = forms.CharField(label=_("Province or state"), required=False, max_length=100)
    postal_code = forms.CharField(label=_("Postal code"), required=False, max_length=20)
    country = forms.ChoiceField(label=_("Country"), required=False, choices=lambda: [("", "—"), *country_choices()])
    phone = forms.CharField(label=_("Phone"), required=False, max_length=40)
    time_zone = forms.CharField(
        label=_("Time zone"), max_length=64, widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        help_text=_("Its cut-off and its days are counted in it, e.g. Europe/Warsaw."),
    )  # fmt: skip
    ships_to = forms.CharField(
        label=_("Ships to"),
        required=False,
        max_length=1000,
        help_text=_("Country codes divided by commas, e.g. PL, DE. Empty: everywhere."),
    )
    channel_ids = forms.TypedMultipleChoiceField(
        label=_("Channels"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Whose orders it ships. None ticked: all."),
    )

    class Meta:
        model = Location
        fields = [
            "name", "code", "kind", "latitude", "longitude", "time_zone", "ships_online", "offers_pickup", "accepts_returns", "ships_to",
            "channel_ids", "daily_capacity", "cutoff", "handling_days", "rank", "active",
        ]  # fmt: skip
        widgets = {"cutoff": forms.TimeInput(attrs={"type": "time"}, format="%H:%M")}
        help_texts = {
            "code": _("Short, for bins, labels and files."),
            "latitude": _("Degrees. Both empty: found by postal code or city."),
            "daily_capacity": _("Orders it takes a day by routing. Empty: no limit."),
            "cutoff": _("By its own clock; later orders leave the next day."),
            "handling_days": _("From order to parcel."),
            "rank": _("Lower is preferred where routing goes by rank."),
            "active": _("A location that is switched off gets no new orders."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            del self.fields["active"]
        address = self.instance.postal_address
        self.initial.update({name: getattr(address, name) for name in _ADDRESS_FIELDS}, contact=address.name)
        self.initial["ships_to"] = ", ".join(self.instance.ships_to or ())
        self.fields["channel_ids"].choices = [
            (pk, name) for pk, name in Channel.objects.order_by("name").values_list("pk", "name")
        ]
        self.zones = [name for name, _label in time_zone_choices()]

    def clean_ships_to(self) -> list[str]:
        return [code.strip() for code in self.cleaned_data["ships_to"].replace(";", ",").split(",") if code.strip()]

    def values(self) -> dict[str, Any]:
        """What `save_location` wants."""
        cleaned = dict(self.cleaned_data)
        contact = cleaned.pop("contact")
        parts = {name: cleaned.pop(name) for name in _ADDRESS_FIELDS}
        cleaned["address"] = Address(name=contact or (cleaned["name"] if any(parts.values()) else ""), **parts)
        return cleaned
