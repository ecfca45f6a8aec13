"""What the engine is told and what it answers: frozen plain data, quantities in whole units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Receipt = dict[str, Any]
"""The explanation of one routing run, made of JSON types only. ``receipt.py`` documents its fields."""

Stock = Mapping[int, Mapping[int, int]]
"""Available units by variant id, then by site id. What is absent, zero or negative cannot be promised."""


@dataclass(frozen=True, slots=True)
class Site:
    """A location as routing sees it.

    lat, lon: degrees (WGS 84), or None where unknown. ships_to: ISO country codes it ships to, empty for everywhere.
    channels: ids of the channels it serves, empty for all. capacity_left: orders it can still take today, None for no limit.
    rank: the merchant's own order of locations, 0 or more, lower is better.
    """

    id: int
    name: str
    kind: str
    country: str
    lat: float | None = None
    lon: float | None = None
    ships_to: frozenset[str] = frozenset()
    channels: frozenset[int] = frozenset()
    capacity_left: int | None = None
    rank: int = 0
    may_ship_online: bool = True


class Need(NamedTuple):
    """One order line's wish: ``quantity`` whole units (1 or more) of a variant."""

    line_id: int
    variant_id: int
    quantity: int


class Member(NamedTuple):
    """A line of a set: ``per_set`` units of it belong to one set; ``have`` units need no place any more (placed or given up)."""

    line_id: int
    per_set: int
    have: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """One order to route. country: ISO code of the destination ('' if unknown). lat, lon: degrees, or None.

    sets: lines that are of use only together (the components of a bundle): only whole sets of them are placed, the rest waits.
    A line of a set that is not among the needs has all its units. whole: place everything or nothing.
    """

    order_id: int
    channel_id: int
    country: str
    lat: float | None
    lon: float | None
    needs: tuple[Need, ...]
    sets: tuple[tuple[Member, ...], ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A filter or ranker by its registered name, with the parameters that differ from its defaults."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Filters (who may ship) and rankers (who is better, the first that breaks a tie wins), in the merchant's order."""

    id: int
    version: int
    filters: tuple[Rule, ...]
    rankers: tuple[Rule, ...]


class Allocation(NamedTuple):
    """``quantity`` units of one line are to be shipped by one site."""

    line_id: int
    variant_id: int
    site_id: int
    quantity: int


class Backorder(NamedTuple):
    """``quantity`` units of one line that no allowed site has."""

    line_id: int
    variant_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer for one order: who ships what, what waits, and the receipt that says why.

    proven: the plan is the exact optimum of the rule set (else the best found within the search budget).
    """

    order_id: int
    allocations: tuple[Allocation, ...]
    backorders: tuple[Backorder, ...]
    receipt: Receipt
    proven: bool = True
