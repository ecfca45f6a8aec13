"""What is read of documents and of what they bill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from core.money import quantize, smallest_unit
from core.paper.language import known_language
from invoicing.billing import ZERO, Issued, Part, Row, units_billed
from invoicing.models import BillingProfile, Document, Settings
from invoicing.rates import Taxed, rates_of
from invoicing.states import FISCAL, DocumentKind
from orders.amounts import line_value, value_of_first
from orders.models import Order, OrderLine

SHIPPING, ROUNDING = "shipping", "rounding"
#: What of an order is looked at: all of it; what has left; only what documents name already.
WHOLE, SHIPPED, ISSUED = "whole", "shipped", "issued"


def settings() -> Settings:
    """The settings; defaults until somebody saves them."""
    return Settings.objects.first() or Settings()


def documents_of(order_id: int) -> list[Document]:
    """Every document of an order, oldest first."""
    return list(Document.objects.filter(order_id=order_id).order_by("pk"))


def issued_of(documents: Iterable[Document]) -> list[Issued]:
    """The fiscal ones as arithmetic wants them."""
    return [
        Issued(one.pk, [Row.from_json(row) for row in one.lines], one.corrects_id)
        for one in documents
        if one.kind in FISCAL
    ]


def goodwill_of(order: Order) -> Decimal:
    """What went back for goods that the order still has: what is charged, less what stays here once everybody has settled."""
    stays = order.captured_total - order.refunded_total + order.owed_by_customer - order.owed_to_customer
    return quantize(order.current_total - stays, order.currency)


@dataclass(frozen=True, slots=True)
class Worth:
    """What an order is worth now, position by position. complete: nothing of it is left out."""

    parts: list[Part]
    complete: bool


def worth_of(order: Order, lines: Sequence[OrderLine], issued: Sequence[Issued], *, scope: str = WHOLE) -> Worth:
    """The parts of an order in the scope, in its customer's language; a complete one adds up to what is charged, to the smallest unit.

    lines: with their bundles, in their order. The value of some units is that of the last ones, so that it does not change when
    others are cancelled: cancelled units are valued as the first ones (`orders.amounts`).
    """
    billed = units_billed(issued)
    groups = _groups(lines, billed)
    units = {line.pk: 0 for line in lines}
    for key, group in groups.items():
        units |= _units(group, billed.get(key, 0), scope)
    complete = all(units[line.pk] == line.ordered - line.cancelled for line in lines)
    spare = order.tax_total - sum((line.tax for line in lines), ZERO)
    taxes = {line.pk: line.tax for line in lines}
    if spare and not order.shipping_total and lines:
        # Tax beyond that of the lines, and no shipping that it could be of: the dearest line takes it.
        largest = max(lines, key=lambda line: (line.unit_price * line.ordered, -line.position))
        taxes[largest.pk] += spare
        spare = ZERO
    with translation.override(known_language(order.language)):
        parts = [
            _together(key, [_line_part(order, line, units[line.pk], taxes[line.pk]) for line in group])
            for key, group in groups.items()
        ]
        if order.shipping_total and (
            scope == WHOLE or SHIPPING in billed or (scope == SHIPPED and any(units.values()))
        ):
            parts.append(_shipping_part(order, spare, gone=all(line.cancelled == line.ordered for line in lines)))
        parts = _with_rates(parts, groups, issued, order.currency)
        if complete and (scope != ISSUED or not order.shipping_total or SHIPPING in billed):
            rest = order.current_total - sum((part.gross for part in parts), ZERO)
            parts.append(_rest_part(rest, order.currency, len(parts)))
            return Worth(parts, complete=True)
    return Worth(parts, complete=False)


def _key(line: OrderLine) -> str:
    return f"line:{line.pk}"


def _groups(lines: Sequence[OrderLine], billed: Mapping[str, int]) -> dict[str, list[OrderLine]]:
    """Part → its lines. A line that was split off a billed one, or bought once more like it, belongs to what billed that one."""
    groups: dict[str, list[OrderLine]] = {}
    same: dict[tuple[object, ...], str] = {}
    for line in lines:
        if _key(line) in billed:
            groups[_key(line)] = [line]
            same.setdefault(_likeness(line), _key(line))
    for line in lines:
        if _key(line) not in billed:
            key = same.get(_likeness(line), _key(line))
            groups[key] = [*groups.get(key, []), line]
    return dict(sorted(groups.items(), key=lambda item: item[1][0].position))


def _likeness(line: OrderLine) -> tuple[object, ...]:
    return line.sku, line.title, line.unit_price, line.tax_rate, line.bundle_id, line.requires_shipping


def _units(lines: Sequence[OrderLine], billed: int, scope: str) -> dict[int, int]:
    """Line → its units in the scope: never more than are left of it, and as many as were billed stay billed."""
    remaining = {line.pk: line.ordered - line.cancelled for line in lines}
    if scope == WHOLE:
        return remaining
    reached = {
        line.pk: min(line.shipped if line.requires_shipping else remaining[line.pk], remaining[line.pk])
        if scope == SHIPPED
        else 0
        for line in lines
    }
    more = billed - sum(reached.values())
    for pk, left in remaining.items():
        add = max(0, min(more, left - reached[pk]))
        reached[pk] += add
        more -= add
    return reached


def _line_part(order: Order, line: OrderLine, units: int, tax: Decimal) -> Part:
    currency, before = order.currency, line.ordered - units

    def value(count: int) -> Decimal:
        return quantize(value_of_first(line, count, tax_included=order.tax_included, currency=currency), currency)

    extra = ZERO if order.tax_included else tax - line.tax
    gross = value(line.ordered) - value(before)
    if extra and units:
        gross += extra - quantize(extra * before / line.ordered, currency)
    part_tax = quantize(tax, currency) - quantize(tax * before / line.ordered, currency) if units else ZERO
    return Part(
        _key(line), line.title or line.sku, units, gross, part_tax, line.tax_rate, line.sku, line.unit_price,
        line.bundle.title if line.bundle else "", min(gross, value(line.refunded)), min(units, line.refunded),
    )  # fmt: skip


def _together(key: str, parts: Sequence[Part]) -> Part:
    """Parts that are billed as one."""
    return replace(
        parts[0],
        key=key,
        quantity=sum(one.quantity for one in parts),
        gross=sum((one.gross for one in parts), ZERO),
        tax=sum((one.tax for one in parts), ZERO),
        refunded=sum((one.refunded for one in parts), ZERO),
        refunded_units=sum(one.refunded_units for one in parts),
    )


def _shipping_part(order: Order, tax: Decimal, *, gone: bool) -> Part:
    """Shipping is charged once, whole; an order that is cancelled whole pays none."""
    tax = ZERO if gone else quantize(max(ZERO, tax), order.currency)
    net = ZERO if gone else quantize(order.shipping_total, order.currency)
    gross = net if order.tax_included else net + tax
    price = order.shipping_total if not gone else None
    return Part(SHIPPING, order.shipping_method or _("Shipping"), 0 if gone else 1, gross, tax, None, unit_price=price)


def _rest_part(rest: Decimal, currency: str, parts: int) -> Part:
    small = abs(rest) <= smallest_unit(currency) * parts
    return Part(ROUNDING, _("Rounding") if small else _("Adjustment"), 0, rest, ZERO, None)


def _with_rates(
    parts: list[Part], groups: Mapping[str, Sequence[OrderLine]], issued: Sequence[Issued], currency: str
) -> list[Part]:
    """The parts with their rates. What was billed at a rate keeps it while it still explains the tax."""
    told = {row.key: row.rate for one in issued for row in one.rows if one.corrects is None}
    taxed = []
    for part in parts:
        rate, gross, tax = part.rate, part.gross, part.tax
        if not gross and part.key in groups:  # nothing is left of it: its whole lines say the rate
            gross = sum((line_value(line, tax_included=True) for line in groups[part.key]), ZERO)
            tax = sum((line.tax for line in groups[part.key]), ZERO)
        known = told.get(part.key)
        if (
            rate is None
            and known is not None
            and abs(quantize((gross - tax) * known, currency) - tax) <= smallest_unit(currency)
        ):
            rate = known
        taxed.append(Taxed(gross, tax, rate))
    return [replace(part, rate=rate) for part, rate in zip(parts, rates_of(taxed, currency), strict=True)]


def billing_profile(order: Order) -> BillingProfile:
    """What is known of the buyer beyond the order; empty for somebody unknown."""
    found = BillingProfile.objects.filter(customer_id=order.customer_id).first() if order.customer_id else None
    return found or BillingProfile(customer_id=order.customer_id)


def listed(documents: Any) -> Any:
    """The documents without what only their own pages show."""
    return documents.defer("lines", "seller", "buyer", "search", "search_text", "reason")


def credited_total(document: Document) -> Decimal:
    """What credit notes took off an invoice."""
    notes = Document.objects.filter(corrects=document, kind=DocumentKind.CREDIT_NOTE).values_list("total", flat=True)
    return sum(notes, ZERO)
