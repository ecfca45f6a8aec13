"""What a scanned code names: a bin (our own labels say so) or a variant by SKU or barcode."""

from __future__ import annotations

from django.db.models import Q

from inventory.models import Variant

#: What a bin's barcode begins with, so that a bin is never taken for a SKU of the same name.
BIN_PREFIX = "BIN:"
LONGEST_CODE = 100
_GTIN_LENGTHS = (8, 12, 13, 14)


def bin_code(name: str) -> str:
    """What the barcode of a bin says."""
    return f"{BIN_PREFIX}{name}"


def bin_of_code(code: str) -> str | None:
    """The bin that a scanned label names; None when it is no bin's label."""
    text = code.strip()
    return text[len(BIN_PREFIX) :].strip() if text.upper().startswith(BIN_PREFIX) else None


def variant_of_code(code: str) -> Variant | None:
    """The variant with this SKU (whatever the case a scanner sends) or barcode; None when there is none or more than one.

    A GTIN is found with or without leading zeros: UPC-A is EAN-13 with one (GS1 General Specifications 3.3.3).
    """
    text = code.strip()[:LONGEST_CODE].replace("\x00", "")
    if not text:
        return None
    barcodes = {text}
    if text.isascii() and text.isdigit():
        number = text.lstrip("0")
        barcodes |= {number} | {number.zfill(length) for length in _GTIN_LENGTHS if len(number) <= length}
    found = list(
        Variant.objects.defer("search", "search_text").filter(
            Q(sku__in={text, text.upper(), text.lower()}) | (Q(barcode__in=barcodes) & ~Q(barcode=""))
        )[:10]
    )
    exact = [variant for variant in found if variant.sku == text]
    return exact[0] if exact else (found[0] if len(found) == 1 else None)
