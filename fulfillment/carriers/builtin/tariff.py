"""Zones, weight brackets, prices and transit days of the built-in carrier, read from the tables beside this module.

Zone: the same country is D1 (up to 150 km), D2 (up to 500 km) or D3 (further); another country of the same region is R1
(neighbouring or unknown, up to 1,000 km) or R2; the rest of the world is I. Without a distance the middle one counts.
Billable weight is the larger of actual and volumetric weight, 5,000 cm³ to the kilogram as couriers reckon.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from core.money import quantize
from fulfillment.carriers.base import Parcel

_TABLES = Path(__file__).with_name("tables")
_CUBIC_MM_PER_GRAM = 5000


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its letter on the label and the S10 service indicator of its numbers."""

    code: str
    name: str
    letter: str
    indicator: str


@dataclass(frozen=True, slots=True)
class Price:
    """What a parcel of at most `max_grams` costs, and its days in transit (at least, at most)."""

    service: str
    zone: str
    max_grams: int
    amount: Decimal
    transit_days: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tariff:
    """All tables of a carrier, in one currency; prices sorted by weight."""

    currency: str
    services: dict[str, Service]
    prices: dict[tuple[str, str], tuple[Price, ...]]
    regions: dict[str, str]

    def zone(self, origin: str, destination: str, distance_km: int | None) -> str:
        """Zone between two countries (ISO 3166-1 alpha-2)."""
        origin, destination = origin.upper(), destination.upper()
        if origin == destination:
            return "D2" if distance_km is None else "D1" if distance_km <= 150 else "D2" if distance_km <= 500 else "D3"
        region = self.regions.get(origin)
        if region is None or region != self.regions.get(destination):
            return "I"
        return "R2" if distance_km is not None and distance_km > 1000 else "R1"

    def price(self, service: str, zone: str, grams: int) -> Price | None:
        """The price of the lightest bracket that holds the weight; None above the heaviest, or for an unknown service."""
        return next((price for price in self.prices.get((service, zone), ()) if grams <= price.max_grams), None)


def billable_grams(parcel: Parcel) -> int:
    """The larger of actual and volumetric weight, in grams; unknown sizes count as none."""
    volume = parcel.length_mm * parcel.width_mm * parcel.height_mm
    return max(parcel.weight_grams, -(-volume // _CUBIC_MM_PER_GRAM))


@cache
def standard_tariff() -> Tariff:
    """The tariff in `tables/`. Raises ValueError, naming file and line, for a table that is wrong."""
    currency = "EUR"
    prices: dict[tuple[str, str], list[Price]] = {}
    for price in _prices(currency):
        prices.setdefault((price.service, price.zone), []).append(price)
    return Tariff(
        currency=currency,
        services={row["code"]: Service(**row) for _line, row in _rows("services.csv")},
        prices={key: tuple(sorted(found, key=lambda price: price.max_grams)) for key, found in prices.items()},
        regions={row["country"]: row["region"] for _line, row in _rows("regions.csv")},
    )


def _prices(currency: str) -> Iterator[Price]:
    for line, row in _rows("prices.csv"):
        try:
            days = (int(row["min_days"]), int(row["max_days"]))
            amount = quantize(Decimal(row["amount"]), currency)
            yield Price(row["service"], row["zone"], int(row["max_grams"]), amount, days)
        except (ValueError, ArithmeticError) as error:
            raise ValueError(f"prices.csv, line {line}: {error}") from error


def _rows(name: str) -> Iterator[tuple[int, dict[str, str]]]:
    with (_TABLES / name).open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield reader.line_num, row
