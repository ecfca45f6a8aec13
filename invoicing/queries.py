"""What is read of documents and of what they bill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    units = {line.pk: _units(line, billed.get(_key(line), 0), scope) for line in lines}
    complete = all(units[line.pk] == line.ordered - line.cancelled for line in lines)
    spare = order.tax_total - sum((line.tax for line in lines), ZERO)
    taxes = {line.pk: line.tax for line in lines}
    if spare and not order.shipping_total and lines:
        # Tax beyond that of the lines, and no shipping that it could be of: the dearest line takes it.
        largest = max(lines, key=lambda line: (line.unit_price * line.ordered, -line.position))
        taxes[largest.pk] += spare
        spare = ZERO
    with translation.override(known_language(order.language)):
        parts = [_line_part(order, line, units[line.pk], taxes[line.pk]) for line in lines]
        if order.shipping_total and (
            scope == WHOLE or SHIPPING in billed or (scope == SHIPPED and any(units.values()))
        ):
            parts.append(_shipping_part(order, spare, gone=all(line.cancelled == line.ordered for line in lines)))
        parts = _with_rates(parts, lines, issued, order.currency)
        if complete and (scope != ISSUED or not order.shipping_total or SHIPPING in billed):
            rest = order.current_total - sum((part.gross for part in parts), ZERO)
            parts.append(_rest_part(rest, order.currency, len(parts)))
            return Worth(parts, complete=True)
    return Worth(parts, complete=False)


def _key(line: OrderLine) -> str:
    return f"line:{line.pk}"


def _units(line: OrderLine, billed: int, scope: str) -> int:
    """Units of a line in the scope: never more than are left of it, and what was billed stays billed."""
    remaining = line.ordered - line.cancelled
    if scope == WHOLE:
        return remaining
    reached = (line.shipped if line.requires_shipping else remaining) if scope == SHIPPED else 0
    return min(remaining, max(reached, billed))


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
        line.bundle.title if line.bundle else "", min(gross, value(line.refunded)),
    )  # fmt: skip


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


def _with_rates(parts: list[Part], lines: Sequence[OrderLine], issued: Sequence[Issued], currency: str) -> list[Part]:
    """The parts with their rates. What was billed at a rate keeps it while it still explains the tax."""
    told = {row.key: row.rate for one in issued for row in one.rows if one.corrects is None}
    taxed = []
    whole = {_key(line): (line_value(line, tax_included=True), line.tax) for line in lines}
    for part in parts:
        rate = part.rate if part.rate is not None else told.get(part.key)
        net = part.gross - part.tax
        if (
            part.rate is None
            and rate is not None
            and abs(quantize(net * rate, currency) - part.tax) > smallest_unit(currency)
        ):
            rate = None
        gross, tax = part.gross, part.tax
        if not part.gross and part.key in whole:  # nothing is left of it: its whole line says the rate
            gross, tax = whole[part.key][0], whole[part.key][1]
        taxed.append(Taxed(gross, tax, rate))
    return [_rated(part, rate) for part, rate in zip(parts, rates_of(taxed, currency), strict=True)]


def _rated(part: Part, rate: Decimal) -> Part:
    return replace(part, rate=rate)


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
