"""Products and variants as people write them: checked field by field, kept with their differences in the history."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import known_country
from core.outbox import publish
from core.refusals import Invalid, NotFound, Refusal
from core.text import fold, search_words
from core.timeline import record, record_many
from inventory.events import StockIncreased
from inventory.models import Product, Variant
from inventory.operations.releases import await_release

PRODUCT_FIELDS = ("title", "handle", "vendor", "product_type", "tags", "active")
VARIANT_FIELDS = (
    "sku", "title", "options", "barcode", "price", "cost", "weight_grams", "length_mm", "width_mm", "height_mm", "hs_code",
    "origin_country", "requires_shipping", "active", "min_remaining_days", "released_on",
)  # fmt: skip
MAX_TAGS = 50
MAX_MEASURE = 1_000_000  # grams and millimetres: a tonne, a kilometre
MAX_DAYS = 3650
MAX_PRICE = Decimal(10) ** 10
_HANDLE = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")
_HS_CODE = re.compile(r"[0-9]{6,14}")


def default_title(product_title: str, options: Mapping[str, str]) -> str:
    """What a variant is called unless told otherwise: the product's title and its options."""
    return f"{product_title} – {' / '.join(options.values())}"[:255] if options else product_title


def search_text_of(variant: Variant) -> str:
    """The words by which a variant is found; the importer keeps the same."""
    return search_words(variant.sku, variant.title, variant.barcode)


def save_product(*, product_id: int | None, values: Mapping[str, Any], actor: Actor, now: datetime) -> Product:
    """Add a product (product_id None) or change one; values: any of PRODUCT_FIELDS.

    An empty handle is made from the title. When the title changes, variants that were called after it are called after the new one.
    Raises Invalid naming the field, NotFound.
    """
    with transaction.atomic():
        product = _locked(Product, product_id) if product_id is not None else Product(created_at=now, updated_at=now)
        old_title = product.title
        values = _clean_product(values, product)
        changes = _apply(product, values)
        if product_id is not None and not changes:
            return product
        product.updated_at = now
        _write(product, field="handle", message=_("Another product has this handle."))
        kind = "product.added" if product_id is None else "product.changed"
        record(
            product.subject,
            kind,
            actor=actor,
            at=now,
            **({"title": product.title} if product_id is None else {"changes": changes}),
        )
        if "title" in changes and product_id is not None:
            _retitle(product, old_title, actor=actor, now=now)
    return product


def save_variant(
    *, variant_id: int | None, product_id: int, values: Mapping[str, Any], actor: Actor, now: datetime
) -> Variant:
    """Add a variant to a product (variant_id None) or change one of it; values: any of VARIANT_FIELDS.

    An empty title is made of the product's title and the options. Raises Invalid naming the field, NotFound.
    """
    with transaction.atomic():
        product = _locked(Product, product_id)
        if variant_id is None:
            variant = Variant(product=product, created_at=now, updated_at=now)
        else:
            variant = _locked(Variant, variant_id)
            if variant.product_id != product.pk:
                raise NotFound("no_such_variant", _("There is no such variant of this product."))
        values = _clean_variant(values, variant, product)
        changes = _apply(variant, values)
        if variant_id is not None and not changes:
            return variant
        variant.search_text, variant.updated_at = search_text_of(variant), now
        released = await_release(variant, now=now)
        _write(variant, field="sku", message=_("Another variant has this SKU."))
        if released:
            publish(StockIncreased([variant.pk]), actor=actor)
        kind = "variant.added" if variant_id is None else "variant.changed"
        detail = (
            {"sku": variant.sku, "title": variant.title}
            if variant_id is None
            else {"sku": variant.sku, "changes": changes}
        )
        record(variant.subject, kind, actor=actor, at=now, **detail)
    return variant


def delete_variant(*, variant_id: int, actor: Actor, now: datetime) -> None:
    """Take away a variant that nothing speaks of. One that was ever sold, stocked or counted is refused: it is switched off instead."""
    with transaction.atomic():
        variant = _locked(Variant, variant_id)
        if is_used(variant):
            raise Refusal(
                "variant_in_use",
                _("{sku} was sold or stocked, so its history must stay. Switch it off instead.").format(
                    sku=variant.sku
                ),
            )
        product = Product.objects.get(pk=variant.product_id)
        sku, title = variant.sku, variant.title
        variant.delete()
        record(product.subject, "variant.deleted", actor=actor, at=now, sku=sku, title=title)


def is_used(thing: models.Model) -> bool:
    """True when any row of any app points at it."""
    relations = (f for f in thing._meta.get_fields(include_hidden=True) if f.auto_created and not f.concrete)
    return any(r.related_model._base_manager.filter(**{r.field.name: thing}).exists() for r in relations)


# ---- checks ----------------------------------------------------------------------------------------------------------


def _clean_product(values: Mapping[str, Any], product: Product) -> dict[str, Any]:
    cleaned = {name: values[name] for name in PRODUCT_FIELDS if name in values}
    for name, longest, required in (("title", 255, True), ("vendor", 120, False), ("product_type", 120, False)):
        if name in cleaned or (required and product.pk is None):
            cleaned[name] = _line(cleaned.get(name), name, longest, required=required)
    if "handle" in cleaned or product.pk is None:
        cleaned["handle"] = _clean_handle(
            str(cleaned.get("handle") or ""), cleaned.get("title") or product.title, product
        )
    if "tags" in cleaned:
        tags = dict.fromkeys(_line(tag, "tags", 60) for tag in cleaned["tags"] or ())
        tags.pop("", None)
        if len(tags) > MAX_TAGS:
            raise Invalid("too_many_tags", _("A product has at most {most} tags.").format(most=MAX_TAGS), field="tags")
        cleaned["tags"] = list(tags)
    return cleaned


def _clean_handle(handle: str, title: str, product: Product) -> str:
    handle = handle.strip()
    if not handle:
        return _free_handle(slugify(fold(title), allow_unicode=True)[:240] or "product", product)
    if len(handle) > 255 or not _HANDLE.fullmatch(handle):
        raise Invalid(
            "bad_handle", _("A handle has letters, digits and hyphens, as it stands in a web address."), field="handle"
        )
    taken = Product.objects.exclude(pk=product.pk).filter(handle=handle).first()
    if taken:
        raise Invalid("handle_taken", _("This handle is that of “{title}”.").format(title=taken.title), field="handle")
    return handle


def _free_handle(base: str, product: Product) -> str:
    taken = set(Product.objects.exclude(pk=product.pk).filter(handle__startswith=base).values_list("handle", flat=True))
    return (
        base
        if base not in taken
        else next(name for n in range(2, len(taken) + 3) if (name := f"{base}-{n}") not in taken)
    )


def _clean_variant(values: Mapping[str, Any], variant: Variant, product: Product) -> dict[str, Any]:
    cleaned = {name: values[name] for name in VARIANT_FIELDS if name in values}
    new = variant.pk is None
    if "sku" in cleaned or new:
        cleaned["sku"] = _clean_sku(cleaned.get("sku"), variant)
    if "options" in cleaned:
        cleaned["options"] = {
            _line(name, "options", 60, required=True): _line(value, "options", 120, required=True)
            for name, value in (cleaned["options"] or {}).items()
        }
    if "title" in cleaned or new:
        options = cleaned.get("options", variant.options)
        cleaned["title"] = _line(cleaned.get("title"), "title", 255) or default_title(product.title, options)
    if "barcode" in cleaned:
        cleaned["barcode"] = _line(cleaned["barcode"], "barcode", 64)
    for name in ("price", "cost"):
        if name in cleaned:
            cleaned[name] = _amount(cleaned[name], name, required=name == "price")
    for name in ("weight_grams", "length_mm", "width_mm", "height_mm"):
        if name in cleaned:
            cleaned[name] = _measure(cleaned[name], name)
    if "min_remaining_days" in cleaned:
        cleaned["min_remaining_days"] = _days(cleaned["min_remaining_days"])
    return cleaned | _clean_customs(cleaned)


def _clean_customs(cleaned: Mapping[str, Any]) -> dict[str, str]:
    customs = {}
    if "hs_code" in cleaned:
        customs["hs_code"] = re.sub(r"[\s.]", "", str(cleaned["hs_code"] or ""))
        if customs["hs_code"] and not _HS_CODE.fullmatch(customs["hs_code"]):
            raise Invalid("bad_hs_code", _("An HS code has 6 to 14 digits, e.g. 6109.10."), field="hs_code")
    if "origin_country" in cleaned:
        customs["origin_country"] = str(cleaned["origin_country"] or "").strip().upper()
        if customs["origin_country"] and not known_country(customs["origin_country"]):
            raise Invalid(
                "bad_country",
                _("“{code}” is no country code.").format(code=customs["origin_country"][:20]),
                field="origin_country",
            )
    return customs


def _clean_sku(value: Any, variant: Variant) -> str:
    sku = _line(value, "sku", 64, required=True)
    taken = Variant.objects.exclude(pk=variant.pk).filter(sku=sku).first()
    if taken:
        raise Invalid(
            "sku_taken", _("The SKU “{sku}” is that of “{title}”.").format(sku=sku, title=taken.title), field="sku"
        )
    return sku


def _line(value: Any, field: str, longest: int, *, required: bool = False) -> str:
    """One line of text without characters that cannot be printed."""
    text = " ".join("".join(char if char.isprintable() else " " for char in str(value or "")).split())
    if required and not text:
        raise Invalid("required", _("This is needed."), field=field)
    if len(text) > longest:
        raise Invalid("too_long", _("At most {most} characters.").format(most=longest), field=field)
    return text


def _amount(value: Any, field: str, *, required: bool) -> Decimal | None:
    if value is None:
        if required:
            raise Invalid("required", _("This is needed."), field=field)
        return None
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount < MAX_PRICE:
        raise Invalid(
            "bad_amount", _("An amount is not below zero and has at most 10 digits before the point."), field=field
        )
    if amount != round(amount, 4):
        raise Invalid("bad_amount", _("At most 4 digits after the point."), field=field)
    return amount


def _measure(value: Any, field: str) -> int | None:
    if value is None:
        return 0 if field == "weight_grams" else None
    number = int(value)
    if not 0 <= number <= MAX_MEASURE:
        raise Invalid("bad_measure", _("Between 0 and {most}.").format(most=MAX_MEASURE), field=field)
    return number


def _days(value: Any) -> int:
    number = int(value or 0)
    if not 0 <= number <= MAX_DAYS:
        raise Invalid("bad_days", _("Between 0 and {most}.").format(most=MAX_DAYS), field="min_remaining_days")
    return number


# ---- writing ---------------------------------------------------------------------------------------------------------


def _locked(model: Any, pk: int) -> Any:
    found = model.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if found is None:
        raise NotFound("not_found", _("It is not there any more."))
    return found


def _apply(thing: models.Model, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set what differs; answers the differences as field → [before, after]."""
    changes = {name: [getattr(thing, name), value] for name, value in values.items() if getattr(thing, name) != value}
    for name, (_before, after) in changes.items():
        setattr(thing, name, after)
    return changes


def _write(thing: models.Model, *, field: str, message: str) -> None:
    """Save; the unique column that two people filled alike at once refuses the second one."""
    try:
        with transaction.atomic():
            thing.save()
    except IntegrityError as error:
        if field not in str(error):
            raise
        raise Invalid(f"{field}_taken", message, field=field) from None


def _retitle(product: Product, old_title: str, *, actor: Actor, now: datetime) -> None:
    renamed = []
    for variant in Variant.objects.select_for_update(of=("self",)).filter(product=product).order_by("pk"):
        if variant.title == default_title(old_title, variant.options):
            before, variant.title = variant.title, default_title(product.title, variant.options)
            variant.search_text, variant.updated_at = search_text_of(variant), now
            renamed.append((variant, before))
    Variant.objects.bulk_update(
        [variant for variant, _before in renamed], ["title", "search_text", "updated_at"], batch_size=500
    )
    rows = (
        (v.subject, "variant.changed", {"sku": v.sku, "changes": {"title": [before, v.title]}}) for v, before in renamed
    )
    record_many(rows, actor=actor, at=now)
