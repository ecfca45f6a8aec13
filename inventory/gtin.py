"""Global Trade Item Numbers: does a barcode's check digit fit (GS1 General Specifications, section 7.9)."""

from __future__ import annotations

#: GTIN-8, GTIN-12 (UPC-A), GTIN-13 (EAN-13), GTIN-14.
LENGTHS = frozenset({8, 12, 13, 14})


def check_digit(digits: str) -> str:
    """The check digit that belongs after `digits`: weights 3 and 1 from the right, up to the next ten."""
    total = sum(int(digit) * (3 if n % 2 == 0 else 1) for n, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def expected_check_digit(barcode: str) -> str | None:
    """The check digit that a GTIN-shaped barcode should end with, when it ends with another; None when nothing is wrong.

    A code that is no GTIN by its form (letters, another length) is the merchant's own and never wrong.
    """
    if not (barcode.isascii() and barcode.isdigit() and len(barcode) in LENGTHS):
        return None
    wanted = check_digit(barcode[:-1])
    return None if wanted == barcode[-1] else wanted
