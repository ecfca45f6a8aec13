"""Reads of drafts: their lines and money, what can be promised of each line, what was held, and who or what a typed word means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from core.refusals import Invalid
from core.search import search
from core.text import fold
from customers.models import Customer
from drafts.models import DraftLine, DraftOrder, HeldStock
from drafts.totals import ZERO, DraftTotals, LineTotal, PlainLine, totals_of
from inventory.bundles import components_of
from inventory.models import StockLevel, Variant
from oms.orchestration.promising import Wish, check_availability

#: Choices shown for a typed word.
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """What stock says of a line. held: units kept for it. promised: units that can be had beside those; None where nothing is counted."""

    quantity: int
    held: int = 0
    promised: int | None = None

    @property
    def counted(self) -> bool:
        return self.promised is not None

    @property
    def had(self) -> int:
        """Units that could be sent now."""
        return min(self.quantity, self.held + (self.promised or 0))

    @property
    def all_held(self) -> bool:
        return self.held >= self.quantity

    @property
    def complete(self) -> bool:
        return self.had >= self.quantity


@dataclass(frozen=True, slots=True)
class Row:
    """A line as pages show it."""

    line: DraftLine
    total: LineTotal
    standing: Standing


def lines_of(draft: DraftOrder) -> list[DraftLine]:
    """The lines in their order, with their variants."""
    rows = draft.lines.select_related("variant").defer("variant__search", "variant__search_text")
    return list(rows.order_by("position", "pk"))


def money_of(draft: DraftOrder, lines: Sequence[DraftLine]) -> DraftTotals:
    """The draft's money as its lines and rates are now."""
    plain = [PlainLine(line.quantity, line.unit_price, line.discount, line.rate_in(draft) or ZERO) for line in lines]
    shipping_rate = ZERO if draft.tax_exempt else draft.shipping_tax_rate or ZERO
    return totals_of(
        plain, currency=draft.currency, discount=draft.discount, shipping=draft.shipping_total, shipping_tax_rate=shipping_rate,
        tax_included=draft.tax_included,
    )  # fmt: skip


def rows_of(draft: DraftOrder, lines: Sequence[DraftLine], money: DraftTotals, *, now: datetime) -> list[Row]:
    """The lines with their money and what stock says of them; the number of statements does not depend on theirs."""
    standing = standing_of(draft, lines, now=now)
    return [Row(line, total, standing[line.pk]) for line, total in zip(lines, money.lines, strict=True)]


def standing_of(draft: DraftOrder, lines: Sequence[DraftLine], *, now: datetime) -> dict[int, Standing]:
    """What stock says of each line: by the rules by which the order would be routed, or at the counter it is handed over from."""
    goods = [line for line in lines if line.variant and (line.variant.requires_shipping or line.variant.is_bundle)]
    held = _held_units(draft, goods) if draft.hold_until and goods else {}
    promised = _at_location(draft, goods) if draft.location_id else _promised(draft, goods, held, now=now)
    return {
        line.pk: Standing(line.quantity, held.get(line.pk, 0), promised.get(line.pk) if line in goods else None)
        for line in lines
    }


def _held_units(draft: DraftOrder, lines: Sequence[DraftLine]) -> dict[int, int]:
    """line id → units of the line (bundles: whole sets) that are held for it."""
    rows: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for line_id, variant_id, units in HeldStock.objects.filter(line__draft=draft).values_list(
        "line_id", "variant_id", "quantity"
    ):
        rows[line_id][variant_id] += units
    bundles = [line.variant_id for line in lines if line.variant and line.variant.is_bundle]
    components = components_of(bundles) if bundles else {}
    found = {}
    for line in lines:
        of_line: Mapping[int, int] = rows.get(line.pk, {})
        parts = components.get(line.variant_id or 0)
        if parts is None:
            found[line.pk] = sum(of_line.values())
        else:
            sets = [of_line.get(part.variant_id, 0) // part.quantity for part in parts if part.requires_shipping]
            found[line.pk] = min(sets, default=0)
    return found


def _promised(
    draft: DraftOrder, lines: Sequence[DraftLine], held: Mapping[int, int], *, now: datetime
) -> dict[int, int]:
    wanted = [(line, line.quantity - held.get(line.pk, 0)) for line in lines]
    wanted = [(line, units) for line, units in wanted if units > 0]
    if not wanted:
        return dict.fromkeys((line.pk for line in lines), 0)
    wishes = [Wish(line.variant.sku, units) for line, units in wanted if line.variant]
    address = draft.ship_to
    try:
        cart = check_availability(
            wishes, country=address.country, channel_id=draft.channel_id, address=address, now=now
        )
    except Invalid:  # a bundle without components, an amount beyond reason: placing will say so
        return {}
    found = dict.fromkeys((line.pk for line in lines), 0)
    return found | {line.pk: promise.promised for (line, _units), promise in zip(wanted, cart.lines, strict=True)}


def _at_location(draft: DraftOrder, lines: Sequence[DraftLine]) -> dict[int, int]:
    bundles = [line.variant_id for line in lines if line.variant and line.variant.is_bundle]
    components = components_of(bundles) if bundles else {}
    ids = {line.variant_id for line in lines} | {part.variant_id for parts in components.values() for part in parts}
    levels = StockLevel.objects.filter(location_id=draft.location_id, variant_id__in=ids)
    there = dict(levels.values_list("variant_id", "available"))
    found = {}
    for line in lines:
        parts = components.get(line.variant_id or 0)
        if parts is None:
            found[line.pk] = max(0, there.get(line.variant_id, 0))
        else:
            sets = [max(0, there.get(part.variant_id, 0)) // part.quantity for part in parts if part.requires_shipping]
            found[line.pk] = min(sets, default=0)
    return found


def find_variants(text: str) -> list[Variant]:
    """The first active variants whose SKU, title or barcode begin with the words."""
    rows = Variant.objects.filter(active=True).select_related("product").defer("search", "search_text")
    return list(search(rows, text).order_by("sku")[:SHOWN])


def find_customers(text: str) -> list[Customer]:
    """The first customers whose e-mail address or phone number begins with the text, or whose name has it as a part."""
    words = text.strip()
    if len(words) < 2 or "\x00" in words:
        return []
    digits = "".join(char for char in fold(words) if char.isdigit())
    wanted = Q(email__istartswith=words) | Q(name__icontains=words)
    if len(digits) > 4:
        wanted |= Q(phone__contains=digits) | Q(phone__contains=words)
    return list(Customer.objects.filter(wanted).order_by("name", "pk")[:SHOWN])


def drafts_of_owners(owners: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Owner of a reservation ("draft_hold:3") → number and address of the draft that holds the stock; others are left out."""
    ids = [
        int(key)
        for kind, _colon, key in (owner.partition(":") for owner in owners)
        if kind == "draft_hold" and key.isdecimal()
    ]
    if not ids:
        return {}
    rows = HeldStock.objects.filter(pk__in=ids).values_list("pk", "line__draft__number", "line__draft_id")
    return {f"draft_hold:{pk}": (number, reverse("draft", args=[draft_id])) for pk, number, draft_id in rows}
