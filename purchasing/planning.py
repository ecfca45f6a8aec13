"""From needs to purchase orders: which supplier, how many packs, and what was added and why. Plain values in, plans out."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Literal, NamedTuple

from core.money import quantize

Why = Literal["pack", "minimum_quantity", "minimum_order"]
NotPlanned = Literal["no_supplier", "on_draft"]


class Need(NamedTuple):
    """Units of a variant that a location wants."""

    variant_id: int
    location_id: int
    units: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A variant as a supplier sells it; price of one unit in the supplier's currency; lead_days None: the supplier's."""

    supplier_id: int
    variant_id: int
    price: Decimal
    pack_size: int = 1
    minimum_quantity: int = 1
    supplier_sku: str = ""
    preferred: bool = False
    lead_days: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all orders to a supplier."""

    supplier_id: int
    currency: str
    minimum_order: Decimal = Decimal(0)
    lead_days: int = 0


@dataclass(frozen=True, slots=True)
class Added:
    """Units above the need, and why."""

    why: Why
    units: int


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One line of a plan. needed: units wanted less those on drafts; quantity: needed + everything `added`.

    on_order: units of it already on drafts and firm orders to this location when the plan was made; what comes on top of that
    before the plan becomes an order is taken off its need.
    """

    variant_id: int
    supplier_sku: str
    needed: int
    quantity: int
    unit_cost: Decimal
    pack_size: int
    added: tuple[Added, ...] = ()
    on_order: int = 0


@dataclass(frozen=True, slots=True)
class PurchasePlan:
    """An order to one supplier for one location, not written yet. short_of_minimum: money still lacking to the minimum order."""

    supplier_id: int
    location_id: int
    currency: str
    lead_days: int
    lines: tuple[PlannedLine, ...]
    total: Decimal
    minimum_order: Decimal
    short_of_minimum: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Left:
    """A need that no plan holds, and why: nobody sells it, or a draft has it already."""

    need: Need
    why: NotPlanned


def plan(
    needs: Iterable[Need],
    offers: Sequence[Offer],
    terms: Mapping[int, Terms],
    *,
    drafted: Mapping[tuple[int, int], int] | None = None,
    on_order: Mapping[tuple[int, int], int] | None = None,
    choose: Mapping[int, int] | None = None,
    fill_minimum: bool = True,
) -> tuple[list[PurchasePlan], list[Left]]:
    """Group needs by supplier and location, round each up to what can be ordered, and fill up to the minimum order.

    terms: supplier id → Terms; offers of others are ignored. drafted: (variant, location) → units on drafts, taken off the need.
    choose: variant id → supplier id, where somebody chose; else the preferred offer, else the cheapest of equal currency, else
    the quickest. The same needs in any order make the same plans.
    """
    drafted, on_order, choose = drafted or {}, on_order or {}, choose or {}
    wanted: dict[tuple[int, int], int] = defaultdict(int)
    for need in needs:
        wanted[(need.variant_id, need.location_id)] += max(0, need.units)
    by_variant: dict[int, list[Offer]] = defaultdict(list)
    for offer in offers:
        if offer.supplier_id in terms:
            by_variant[offer.variant_id].append(offer)
    groups: dict[tuple[int, int], list[PlannedLine]] = defaultdict(list)
    lead: dict[tuple[int, int], int] = defaultdict(int)
    left: list[Left] = []
    for key in sorted(wanted):
        variant_id, location_id = key
        units = wanted[key] - drafted.get(key, 0)
        if wanted[key] == 0:
            continue
        if units <= 0:
            left.append(Left(Need(*key, wanted[key]), "on_draft"))
            continue
        best = best_offer(by_variant.get(variant_id, ()), terms, choose.get(variant_id))
        if best is None:
            left.append(Left(Need(*key, units), "no_supplier"))
            continue
        group = (best.supplier_id, location_id)
        groups[group].append(_line(best, units, on_order.get(key, 0)))
        days = terms[best.supplier_id].lead_days if best.lead_days is None else best.lead_days
        lead[group] = max(lead[group], days)
    plans = [_plan(terms[s], loc, lead[(s, loc)], lines, fill_minimum) for (s, loc), lines in sorted(groups.items())]
    return plans, left


def best_offer(offers: Sequence[Offer], terms: Mapping[int, Terms], chosen: int | None = None) -> Offer | None:
    """Whom a variant is bought from: the chosen supplier, else the preferred one, else the cheapest.

    Prices of different currencies cannot be compared: then the quickest is taken.
    """
    if not offers:
        return None
    for offer in offers:
        if offer.supplier_id == chosen:
            return offer
    for offer in offers:
        if offer.preferred:
            return offer
    one_currency = len({terms[offer.supplier_id].currency for offer in offers}) == 1

    def rank(offer: Offer) -> tuple[Decimal, int, int]:
        days = terms[offer.supplier_id].lead_days if offer.lead_days is None else offer.lead_days
        return (offer.price if one_currency else Decimal(0), days, offer.supplier_id)

    return min(offers, key=rank)


def round_up(units: int, *, pack_size: int, minimum_quantity: int) -> tuple[int, tuple[Added, ...]]:
    """The least whole packs that hold `units` and the minimum quantity, and what was added for each of the two."""
    least = max(units, minimum_quantity)
    quantity = -(-least // pack_size) * pack_size
    added = []
    if least > units:
        added.append(Added("minimum_quantity", least - units))
    if quantity > least:
        added.append(Added("pack", quantity - least))
    return quantity, tuple(added)


def _line(offer: Offer, units: int, on_order: int) -> PlannedLine:
    quantity, added = round_up(units, pack_size=offer.pack_size, minimum_quantity=offer.minimum_quantity)
    return PlannedLine(
        variant_id=offer.variant_id, supplier_sku=offer.supplier_sku, needed=units, quantity=quantity,
        unit_cost=offer.price, pack_size=offer.pack_size, added=added, on_order=on_order,
    )  # fmt: skip


def _plan(terms: Terms, location_id: int, lead_days: int, lines: list[PlannedLine], fill: bool) -> PurchasePlan:
    if fill:
        lines = fill_up(lines, terms.minimum_order)
    exact = sum((line.unit_cost * line.quantity for line in lines), Decimal(0))
    return PurchasePlan(
        supplier_id=terms.supplier_id, location_id=location_id, currency=terms.currency, lead_days=lead_days,
        lines=tuple(lines), total=quantize(exact, terms.currency), minimum_order=terms.minimum_order,
        short_of_minimum=max(Decimal(0), terms.minimum_order - exact),
    )  # fmt: skip


def fill_up(lines: Sequence[PlannedLine], minimum_order: Decimal) -> list[PlannedLine]:
    """Add packs until the lines are worth the minimum order, always to the line that would last shortest against its need.

    First all lines grow in proportion, without passing the minimum; then pack by pack. Lines that cost nothing are left alone.
    """
    result = list(lines)
    total = sum((line.unit_cost * line.quantity for line in result), Decimal(0))
    priced = [n for n, line in enumerate(result) if line.unit_cost > 0]
    if total >= minimum_order or not priced:
        return result
    more = dict.fromkeys(priced, 0)
    for n in priced:  # in proportion, rounded down to packs: never beyond the minimum
        line = result[n]
        more[n] = int(line.quantity * (minimum_order - total) / total) // line.pack_size * line.pack_size
    total += sum((result[n].unit_cost * units for n, units in more.items()), Decimal(0))
    heap = [(Decimal(result[n].quantity + more[n]) / max(1, result[n].needed), n) for n in priced]
    heapq.heapify(heap)
    while total < minimum_order:
        _cover, n = heapq.heappop(heap)
        line = result[n]
        packs = 1
        if not heap:  # alone: as many packs as it takes, at once
            lacking = (minimum_order - total) / (line.unit_cost * line.pack_size)
            packs = int(lacking.to_integral_value(rounding=ROUND_CEILING))
        more[n] += packs * line.pack_size
        total += line.unit_cost * line.pack_size * packs
        heapq.heappush(heap, (Decimal(line.quantity + more[n]) / max(1, line.needed), n))
    for n, units in more.items():
        if units:
            line = result[n]
            result[n] = replace(
                line, quantity=line.quantity + units, added=(*line.added, Added("minimum_order", units))
            )
    return result
