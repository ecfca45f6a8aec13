"""From a scanned code to the line it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from core.refusals import Refusal
from fulfillment.models import FulfillmentLine

LONGEST_CODE = 100


@dataclass(frozen=True, slots=True)
class Counted:
    """What a scan or a press changed: the line, how many of how many it counts now, and whether everything is done. warning: what
    should have been taken instead, where something should."""

    sku: str
    title: str
    count: int
    quantity: int
    finished: bool
    warning: str = ""


def find_line(lines: Sequence[FulfillmentLine], code: str, counter: str) -> FulfillmentLine:
    """The line a scanned SKU or barcode means, the first that still lacks units.

    Raises Refusal `nothing_scanned`, `wrong_item` (not in this parcel) or `too_many` (its units are counted already).
    """
    wanted = code_key(code)
    if not wanted:
        raise Refusal("nothing_scanned", _("Nothing was scanned."), field="code")
    matching = [line for line in lines if wanted in codes_of(line)]
    if not matching:
        raise Refusal(
            "wrong_item", _("{code} does not belong in this parcel.").format(code=code.strip()[:40]), field="code"
        )
    for line in matching:
        if getattr(line, counter) < line.quantity:
            return line
    line = matching[0]
    raise Refusal(
        "too_many",
        _("{sku}: {count} of {quantity} are in already. Put this one back.").format(
            sku=line.order_line.sku, count=getattr(line, counter), quantity=line.quantity
        ),
        field="code",
    )


def codes_of(line: FulfillmentLine) -> set[str]:
    """What may be scanned for a line: its SKU as ordered, the variant's SKU now, the variant's barcode."""
    variant = line.order_line.variant
    codes = {code_key(line.order_line.sku)}
    if variant is not None:
        codes |= {code_key(variant.sku), code_key(variant.barcode)}
    return codes - {""}


def code_key(code: str) -> str:
    """A code as scanners may send it: case aside; a GTIN without leading zeros, for UPC-A is EAN-13 with one (GS1 3.3.3)."""
    key = code.strip()[:LONGEST_CODE].casefold()
    return key.lstrip("0") if key.isascii() and key.isdigit() else key
