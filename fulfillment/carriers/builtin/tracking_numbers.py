"""Tracking numbers of the built-in carrier: two letters, eight digits, a check digit, two letters (ZX473124829XZ).

The form and the check digit are those of UPU standard S10 (“Identification of postal items — 13-character
identifier”), which every scanner and tracking page knows: the digits are weighted 8 6 4 2 3 5 9 7, C = 11 − (sum mod
11), where 10 becomes 0 and 11 becomes 5. The number can be no post's: service indicators ZA–ZZ are for domestic use,
and XZ is a user-assigned code of ISO 3166-1, which no country has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

LARGEST_SERIAL = 99_999_999
_ISSUER = "XZ"
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_FORM = re.compile(rf"(Z[A-Z])([0-9]{{8}})([0-9]){_ISSUER}")


class NumberRange(Protocol):
    """Where serial numbers (1 to 99,999,999) come from. One reference has one serial, for ever; none is used twice."""

    def issue(self, reference: str) -> int:
        """The serial of a reference, taken from the range the first time. Raises RangeExhausted."""

    def issued(self, reference: str) -> int | None:
        """The serial of a reference that has one and is not void."""

    def void(self, serial: int) -> bool:
        """Mark a serial void; True when it exists (also when it was void before)."""


class RangeExhausted(RuntimeError):
    """All numbers of the range are used."""


#: Called when a number is needed, so that the range may live in a database that is not there yet at start-up.
NumberRangeFactory = Callable[[], NumberRange]


def check_digit(serial: int) -> int:
    """Check digit of an eight-digit serial by UPU S10. Raises ValueError outside 0…99,999,999."""
    if not 0 <= serial <= LARGEST_SERIAL:
        raise ValueError(f"A serial has at most eight digits, not {serial}.")
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, f"{serial:08d}", strict=True))
    return {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11)


def tracking_number(service_indicator: str, serial: int) -> str:
    """The tracking number of a serial for a service indicator such as "ZX"."""
    return f"{service_indicator}{serial:08d}{check_digit(serial)}{_ISSUER}"


def serial_of(number: str) -> int | None:
    """The serial in a tracking number; None when it is not one of ours or its check digit is wrong."""
    match = _FORM.fullmatch(number.strip().upper())
    if match is None:
        return None
    serial = int(match[2])
    return serial if check_digit(serial) == int(match[3]) else None
