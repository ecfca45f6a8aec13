"""Products and variants from a channel: new ones are created, changed ones updated, each by its handle and SKU."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from core.text import search_words
from inventory.models import Product, Variant
from inventory.operations.lots import set_tracking
from oms.orchestration.import_outcomes import CREATED, Outcome, changed, refused, take_turn


class VariantData(Protocol):
    """A variant as a channel tells it; None: it does not say, and what is stored stays."""

    @property
    def sku(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def options(self) -> Sequence[tuple[str, str]]: ...
    @property
    def price(self) -> Decimal | None: ...
    @property
    def cost(self) -> Decimal | None: ...
    @property
    def barcode(self) -> str | None: ...
    @property
    def weight_grams(self) -> int | None: ...
    @property
    def hs_code(self) -> str | None: ...
    @property
    def origin_country(self) -> str | None: ...
    @property
    def requires_shipping(self) -> bool | None: ...
    @property
    def tracking(self) -> str | None: ...


class ProductData(Protocol):
    """A product as a channel tells it, with the variants it speaks of; others of the product stay as they are."""

    @property
    def handle(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def vendor(self) -> str | None: ...
    @property
    def product_type(self) -> str | None: ...
    @property
    def tags(self) -> Sequence[str] | None: ...
    @property
    def active(self) -> bool | None: ...
    @property
    def variants(self) -> Sequence[VariantData]: ...


_IMPORT = Actor.system("import")
_PRODUCT_FIELDS = ("title", "vendor", "product_type", "tags", "active")
_VARIANT_FIELDS = (
    "title", "options", "price", "cost", "barcode", "weight_grams", "hs_code", "origin_country", "requires_shipping",
)  # fmt: skip


def import_products(records: Sequence[ProductData], *, now: datetime) -> list[Outcome]:
    """Bring products in line with the records, set-based, in one transaction; outcomes in the order of the records.

    A record is refused as a whole when one of its SKUs belongs to another product, or when one may not be followed otherwise from
    now on (lots that hold units are not forgotten by a file).
    """
    with transaction.atomic():
        take_turn("products")
        products = {p.handle: p for p in Product.objects.filter(handle__in=[r.handle for r in records])}
        skus = [variant.sku for record in records for variant in record.variants]
        variants = {v.sku: v for v in Variant.objects.select_related("product").filter(sku__in=skus)}
        changed_products: dict[str, Product] = {}
        changed_variants: dict[str, Variant] = {}
        outcomes = [_take(record, products, variants, changed_products, changed_variants, now) for record in records]
        _write(list(changed_products.values()), list(changed_variants.values()))
        _follow_new(records, outcomes, now=now)
    return outcomes


def _take(
    record: ProductData,
    products: dict[str, Product],
    variants: dict[str, Variant],
    changed_products: dict[str, Product],
    changed_variants: dict[str, Variant],
    now: datetime,
) -> Outcome:
    for variant in record.variants:
        known = variants.get(variant.sku)
        if known and known.product.handle != record.handle:
            message = _("The SKU “{sku}” belongs to the product “{handle}”.").format(
                sku=variant.sku, handle=known.product.handle
            )
            return refused(message, field="sku")
    followed = False
    try:
        with transaction.atomic():
            for variant in record.variants:
                if (known := variants.get(variant.sku)) and known.pk and variant.tracking not in (None, known.tracking):
                    set_tracking(variant_id=known.pk, tracking=variant.tracking, actor=_IMPORT, now=now)
                    known.tracking, followed = variant.tracking, True
    except Refusal as refusal:
        return refused(refusal.message, field="tracking")
    product = products.get(record.handle)
    is_new = product is None
    if product is None:
        product = products[record.handle] = Product(handle=record.handle)
    values = {name: getattr(record, name) for name in _PRODUCT_FIELDS}
    if values["tags"] is not None:
        values["tags"] = list(values["tags"])
    differs = _set(product, values) or is_new
    if differs:
        product.updated_at = now
        changed_products[record.handle] = product
    touched = [_take_variant(each, product, variants, changed_variants, now) for each in record.variants]
    return Outcome(CREATED) if is_new else changed(differs, followed, *touched)


def _follow_new(records: Sequence[ProductData], outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Variants that were just created and are followed by lot or serial number: there is no stock that could stand against it."""
    wanted = {
        variant.sku: variant.tracking
        for record, outcome in zip(records, outcomes, strict=True)
        for variant in record.variants
        if variant.tracking not in (None, "none") and not outcome.message
    }
    for pk, sku in Variant.objects.filter(sku__in=wanted, tracking="none").order_by("pk").values_list("pk", "sku"):
        set_tracking(variant_id=pk, tracking=wanted[sku], actor=_IMPORT, now=now)


def _take_variant(
    data: VariantData,
    product: Product,
    variants: dict[str, Variant],
    changed_variants: dict[str, Variant],
    now: datetime,
) -> bool:
    variant = variants.get(data.sku)
    is_new = variant is None
    if variant is None:
        variant = variants[data.sku] = Variant(sku=data.sku, product=product)
    values = {name: getattr(data, name) for name in _VARIANT_FIELDS} | {"options": dict(data.options)}
    differs = _set(variant, values)
    words = search_words(variant.sku, variant.title, variant.barcode)
    if not (is_new or differs or variant.search_text != words):
        return False
    variant.search_text, variant.updated_at = words, now
    changed_variants[data.sku] = variant
    return True


def _set(obj: Product | Variant, values: dict[str, Any]) -> bool:
    """Set what is given and differs; True when anything did."""
    differing = {name: value for name, value in values.items() if value is not None and getattr(obj, name) != value}
    for name, value in differing.items():
        setattr(obj, name, value)
    return bool(differing)


def _write(products: list[Product], variants: list[Variant]) -> None:
    Product.objects.bulk_create(
        products,
        update_conflicts=True,
        unique_fields=["handle"],
        update_fields=[*_PRODUCT_FIELDS, "updated_at"],
        batch_size=1000,
    )
    for variant in variants:
        variant.product_id = variant.product.pk
    Variant.objects.bulk_create(
        variants,
        update_conflicts=True,
        unique_fields=["sku"],
        update_fields=[*_VARIANT_FIELDS, "search_text", "updated_at"],
        batch_size=1000,
    )
