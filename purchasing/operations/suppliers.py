"""Suppliers and what they sell, as people and files write them: checked field by field, kept with their differences in the history."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import Address, known_country
from core.refusals import Invalid, NotFound
from core.text import search_words
from core.timeline import record
from inventory.models import Variant
from purchasing.models import Supplier, SupplierItem

FIELDS = (
    "name", "code", "email", "currency", "language", "lead_time_days", "lead_time_spread", "minimum_order", "address", "payment_terms",
    "note", "active",
)  # fmt: skip
ITEM_FIELDS = ("sku", "pack_size", "minimum_quantity", "price", "preferred", "lead_time_days")
MOST_DAYS = 730
MOST_UNITS = 1_000_000
MOST_MONEY = Decimal(10) ** 9
_CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,19}")


def save_supplier(*, supplier_id: int | None, values: Mapping[str, Any], actor: Actor, now: datetime) -> Supplier:
    """Add a supplier (supplier_id None) or change one; values: any of FIELDS, `address` as an Address.

    Raises Invalid naming the field, NotFound.
    """
    with transaction.atomic():
        if supplier_id is None:
            supplier = Supplier(created_at=now)
        else:
            found = Supplier.objects.select_for_update(no_key=True).filter(pk=supplier_id).first()
            if found is None:
                raise NotFound("no_such_supplier", _("There is no such supplier."))
            supplier = found
        cleaned = _clean(values, supplier)
        changes = {
            n: [_plain(getattr(supplier, n)), _plain(v)] for n, v in cleaned.items() if getattr(supplier, n) != v
        }
        if supplier_id is not None and not changes:
            return supplier
        for name, value in cleaned.items():
            setattr(supplier, name, value)
        supplier.updated_at = now
        supplier.search_text = search_words(supplier.name, supplier.code, supplier.email, supplier.postal_address.city)
        try:
            with transaction.atomic():
                supplier.save()
        except IntegrityError as error:
            field = "code" if "code" in str(error) else "name"
            raise Invalid(f"{field}_taken", _("Another supplier has it."), field=field) from None
        if supplier_id is None:
            record(supplier.subject, "supplier.added", actor=actor, at=now, name=supplier.name)
        else:
            record(supplier.subject, "supplier.changed", actor=actor, at=now, changes=changes)
    return supplier


def save_supplier_item(
    *, supplier_id: int, variant_id: int, values: Mapping[str, Any], actor: Actor, now: datetime
) -> SupplierItem:
    """Say how a supplier sells a variant, or change it; values: any of ITEM_FIELDS. A newly preferred one replaces the old one.

    Raises Invalid naming the field, NotFound.
    """
    with transaction.atomic():
        supplier = Supplier.objects.select_for_update(no_key=True).filter(pk=supplier_id).first()
        variant = Variant.objects.filter(pk=variant_id).first()
        if supplier is None or variant is None:
            raise NotFound("no_such_supplier", _("There is no such supplier or SKU."))
        if variant.is_bundle:
            raise Invalid("is_bundle", _("A bundle is not bought; its components are."), field="variant")
        item = SupplierItem.objects.filter(supplier=supplier, variant=variant).first()
        fresh = item is None
        item = item or SupplierItem(supplier=supplier, variant=variant)
        cleaned = _clean_item(values, item)
        before = {name: getattr(item, name) for name in cleaned}
        for name, value in cleaned.items():
            setattr(item, name, value)
        if not fresh and before == cleaned:
            return item
        item.updated_at = now
        if item.preferred:
            SupplierItem.objects.filter(variant=variant, preferred=True).exclude(pk=item.pk).update(preferred=False)
        item.save()
        record(
            supplier.subject, "supplier.item_saved", actor=actor, at=now, sku=variant.sku, price=_plain(item.price),
            currency=supplier.currency,
            changes={} if fresh else {n: [_plain(before[n]), _plain(v)] for n, v in cleaned.items() if before[n] != v},
        )  # fmt: skip
    return item


def delete_supplier_item(*, item_id: int, actor: Actor, now: datetime) -> None:
    """The supplier does not sell it any more. Orders keep what they say. Raises NotFound."""
    with transaction.atomic():
        item = (
            SupplierItem.objects.select_for_update(of=("self",))
            .select_related("supplier", "variant")
            .filter(pk=item_id)
            .first()
        )
        if item is None:
            raise NotFound("no_such_item", _("The supplier does not sell it."))
        item.delete()
        record(item.supplier.subject, "supplier.item_deleted", actor=actor, at=now, sku=item.variant.sku)


def _plain(value: Any) -> Any:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


# ---- checks ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def known_currencies() -> frozenset[str]:
    """The codes of ISO 4217 as CLDR lists them."""
    return frozenset(Locale("en").currencies)


def _clean(values: Mapping[str, Any], supplier: Supplier) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise LookupError(f"{sorted(unknown)} of a supplier cannot be set here")
    fresh = supplier.pk is None
    cleaned = dict(values)
    if "name" in cleaned or fresh:
        cleaned["name"] = line_of_text(cleaned.get("name"), "name", 120, required=True)
        if Supplier.objects.exclude(pk=supplier.pk).filter(name=cleaned["name"]).exists():
            raise Invalid("name_taken", _("Another supplier has this name."), field="name")
    if "code" in cleaned or fresh:
        cleaned["code"] = _clean_code(str(cleaned.get("code") or ""), supplier)
    if "currency" in cleaned or fresh:
        cleaned["currency"] = _clean_currency(str(cleaned.get("currency") or ""), supplier)
    if cleaned.get("email"):
        cleaned["email"] = _clean_email(str(cleaned["email"]))
    return _clean_terms(cleaned)


def _clean_terms(cleaned: dict[str, Any]) -> dict[str, Any]:
    if "language" in cleaned and cleaned["language"] not in dict(settings.LANGUAGES):
        raise Invalid("bad_language", _("Choose a language."), field="language")
    if "payment_terms" in cleaned:
        cleaned["payment_terms"] = line_of_text(cleaned["payment_terms"], "payment_terms", 200)
    if "note" in cleaned:
        cleaned["note"] = str(cleaned["note"] or "").replace("\x00", "").strip()[:4000]
    if "address" in cleaned:
        address: Address = cleaned["address"]
        if address.country and not known_country(address.country):
            raise Invalid(
                "bad_country", _("“{code}” is no country code.").format(code=address.country[:20]), field="country"
            )
        cleaned["address"] = address.to_json()
    for name, most in (("lead_time_days", MOST_DAYS), ("lead_time_spread", MOST_DAYS), ("minimum_order", MOST_MONEY)):
        _between(cleaned, name, 0, most)
    return cleaned


def _clean_code(text: str, supplier: Supplier) -> str:
    code = text.strip().upper()
    if not _CODE.fullmatch(code):
        raise Invalid("bad_code", _("A code has 1 to 20 letters (A–Z), digits, dots or hyphens."), field="code")
    if Supplier.objects.exclude(pk=supplier.pk).filter(code=code).exists():
        raise Invalid("code_taken", _("Another supplier has this code."), field="code")
    return code


def _clean_currency(text: str, supplier: Supplier) -> str:
    code = text.strip().upper()
    if code not in known_currencies():
        raise Invalid("bad_currency", _("“{code}” is no currency code.").format(code=code[:20]), field="currency")
    if supplier.pk and code != supplier.currency and supplier.items.exists():
        sentence = _("Its prices are in {currency}. Take them away first, or add another supplier.")
        raise Invalid("currency_in_use", sentence.format(currency=supplier.currency), field="currency")
    return code


def _clean_email(text: str) -> str:
    try:
        validate_email(text.strip())
    except ValidationError:
        raise Invalid("bad_email", _("This is no e-mail address."), field="email") from None
    return text.strip()


def _clean_item(values: Mapping[str, Any], item: SupplierItem) -> dict[str, Any]:
    unknown = set(values) - set(ITEM_FIELDS)
    if unknown:
        raise LookupError(f"{sorted(unknown)} of a supplier's SKU cannot be set here")
    cleaned = dict(values)
    if "sku" in cleaned:
        cleaned["sku"] = line_of_text(cleaned["sku"], "sku", 64)
    if "price" not in cleaned and item.pk is None:
        raise Invalid("no_price", _("Say what it costs."), field="price")
    _between(cleaned, "pack_size", 1, MOST_UNITS)
    _between(cleaned, "minimum_quantity", 0, MOST_UNITS)
    _between(cleaned, "price", 0, MOST_MONEY)
    _between(cleaned, "lead_time_days", 0, MOST_DAYS)
    if "price" in cleaned and cleaned["price"] != round(cleaned["price"], 4):
        raise Invalid("bad_price", _("A price has at most 4 decimals."), field="price")
    return cleaned


def _between(values: Mapping[str, Any], name: str, least: int, most: int | Decimal) -> None:
    value = values.get(name)
    if value is not None and not least <= value <= most:
        raise Invalid("bad_number", _("Between {least} and {most}.").format(least=least, most=most), field=name)


def line_of_text(value: Any, field: str, longest: int, *, required: bool = False) -> str:
    """One trimmed line of printable text. Raises Invalid (field) when it is too long, or empty though required."""
    text = " ".join("".join(char if char.isprintable() else " " for char in str(value or "")).split())
    if len(text) > longest or (required and not text):
        raise Invalid(
            "bad_text",
            _("Between {least} and {most} characters.").format(least=int(required), most=longest),
            field=field,
        )
    return text
