"""Suppliers and their prices out of a file: one row a SKU of a supplier, or a supplier alone. What is left empty stays as it is.

The columns are those of the export, in any of the shop's languages, so a file can be taken out, changed and brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from core.actors import Actor
from core.formulas import plain_text
from core.refusals import Invalid
from inventory.codes import variant_of_code
from purchasing.models import Supplier
from purchasing.operations import save_supplier, save_supplier_item

MOST_ROWS = 200_000


def _integer(text: str) -> int:
    return int(text)


def _amount(text: str) -> Decimal:
    """12.50 and 12,50; thousands are not divided, for 1,234 may be either."""
    if "," in text and "." in text:
        raise ValueError(text)
    return Decimal(text.replace(",", "."))


def _yes(text: str) -> bool:
    if text.casefold() in _words("Yes") | {"1", "true", "x"}:
        return True
    if text.casefold() in _words("No") | {"0", "false"}:
        return False
    raise ValueError(text)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its name in our words, the field it sets, how its cells are read, and whether it is the supplier's or the SKU's."""

    name: str
    field: str
    read: Callable[[str], Any] = str
    of_item: bool = False


COLUMNS = (
    _Column(gettext_noop("Supplier code"), "code"),
    _Column(gettext_noop("Supplier"), "name"),
    _Column(gettext_noop("E-mail"), "email"),
    _Column(gettext_noop("Currency"), "currency", str.upper),
    _Column(gettext_noop("Language"), "language", str.lower),
    _Column(gettext_noop("Supplier's lead time (days)"), "lead_time_days", _integer),
    _Column(gettext_noop("Spread (days)"), "lead_time_spread", _amount),
    _Column(gettext_noop("Minimum order"), "minimum_order", _amount),
    _Column(gettext_noop("Payment terms"), "payment_terms"),
    _Column(gettext_noop("SKU"), "variant", str, of_item=True),
    _Column(gettext_noop("Supplier SKU"), "sku", str, of_item=True),
    _Column(gettext_noop("Pack size"), "pack_size", _integer, of_item=True),
    _Column(gettext_noop("Minimum quantity"), "minimum_quantity", _integer, of_item=True),
    _Column(gettext_noop("Price"), "price", _amount, of_item=True),
    _Column(gettext_noop("Preferred"), "preferred", _yes, of_item=True),
    _Column(gettext_noop("Lead time (days)"), "lead_time_days", _integer, of_item=True),
)


def _words(name: str) -> set[str]:
    """A word in all languages of the shop, as names of columns are compared."""
    found = {name.casefold()}
    for language, _label in settings.LANGUAGES:
        with translation.override(language):
            found.add(translation.gettext(name).casefold())
    return found


def known_columns() -> dict[str, int]:
    """Name of a column in any language, case folded → its place in COLUMNS."""
    return {word: n for n, column in enumerate(COLUMNS) for word in _words(column.name)}


def columns_of(header: Sequence[str]) -> dict[int, int]:
    """Place in the file → place in COLUMNS; columns that mean nothing here are left out. Raises Invalid without a supplier's code."""
    known = known_columns()
    found: dict[int, int] = {}
    for place, name in enumerate(header):
        n = known.get(" ".join(name.replace("_", " ").split()).casefold())
        if n is not None and n not in found.values():
            found[place] = n
    if 0 not in found.values():
        raise Invalid("no_supplier_code", _("The file needs a column “Supplier code”."), field="file")
    return found


def take_row(cells: Mapping[str, str], *, actor: Actor, now: datetime) -> str:
    """Write one row of {place in COLUMNS: cell}; what was saved, in a word (“ACME”, “ACME MUG-1”).

    A supplier that is not known is added. Raises Invalid naming the column, all or nothing for the row.
    """
    supplier_values: dict[str, Any] = {}
    item_values: dict[str, Any] = {}
    for place, cell in cells.items():
        column = COLUMNS[int(place)]
        text = plain_text(cell).strip()
        if text:
            (item_values if column.of_item else supplier_values)[column.field] = _read(column, text)
    code = str(supplier_values.get("code", "")).upper()
    if not code:
        raise Invalid("no_supplier_code", _("Say which supplier."), field="Supplier code")
    try:
        with transaction.atomic():
            found = Supplier.objects.filter(code=code).first()
            values = supplier_values if found is None else {n: v for n, v in supplier_values.items() if n != "code"}
            if found is None:
                values.setdefault("name", code)
            supplier = save_supplier(supplier_id=found.pk if found else None, values=values, actor=actor, now=now)
            sku = item_values.pop("variant", "")
            if not sku:
                return supplier.code
            variant = variant_of_code(sku)
            if variant is None:
                raise Invalid("unknown_sku", _("There is no SKU “{code}”.").format(code=sku[:40]), field="variant")
            save_supplier_item(supplier_id=supplier.pk, variant_id=variant.pk, values=item_values, actor=actor, now=now)
            return f"{supplier.code} {variant.sku}"
    except Invalid as refusal:
        raise Invalid(refusal.code, refusal.message, field=_name_of(refusal.field)) from None


def _read(column: _Column, text: str) -> Any:
    try:
        return column.read(text)
    except (ValueError, InvalidOperation):
        raise Invalid(
            "bad_value", _("“{cell}” cannot be read here.").format(cell=text[:40]), field=column.name
        ) from None


def _name_of(field: str | None) -> str | None:
    """The column of a field that an operation refused."""
    return next((column.name for column in COLUMNS if column.field == field), field)
