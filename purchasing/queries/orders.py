"""Reads of purchasing: rates, lists, what an order page shows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from core.models import OutgoingMail
from purchasing.landed import Charges, Landed, Units, landed_costs
from purchasing.models import PurchaseLine, PurchaseOrder, Receipt, ReceiptLine
from purchasing.states import CLOSED_STATES, OPEN_STATES

#: Where a rate of 1 comes from.
SAME_CURRENCY = "="


def known_rate(currency: str, shop_currency: str) -> tuple[Decimal | None, str]:
    """(rate, source) to begin with: 1 within one currency, else that of the newest order in the same pair, else (None, "")."""
    if currency == shop_currency:
        return Decimal(1), SAME_CURRENCY
    last = (
        PurchaseOrder.objects.filter(currency=currency, shop_currency=shop_currency, exchange_rate__isnull=False)
        .order_by("-id")
        .values_list("exchange_rate", "number")
        .first()
    )
    return (last[0], _("as in {number}").format(number=last[1])) if last else (None, "")


def landed_costs_of(order_id: int) -> dict[int, Landed]:
    """Line id → what all the units cost that the order will have brought in the end: what came, when nothing more is expected."""
    order = PurchaseOrder.objects.get(pk=order_id)
    return landed_of(order, list(order.lines.select_related("variant").order_by("position", "pk")))


def landed_of(order: PurchaseOrder, lines: list[PurchaseLine]) -> dict[int, Landed]:
    """As `landed_costs_of`, of lines that were read. An order without a rate is reckoned at one to one."""
    closed = order.state in CLOSED_STATES
    units = [
        Units(
            line.pk, line.received if closed else max(line.received, line.expected - line.cancelled), line.unit_cost,
            line.variant.weight_grams,
        )
        for line in lines
    ]  # fmt: skip
    return landed_costs(
        units, Charges(order.freight, order.duty, order.other, order.charge_basis), currency=order.currency,
        rate=order.exchange_rate or Decimal(1), own_currency=order.shop_currency,
    )  # fmt: skip


def with_lines(orders: QuerySet[PurchaseOrder]) -> QuerySet[PurchaseOrder]:
    """Orders with supplier, destination and lines in their sequence, each with its variant."""
    lines = PurchaseLine.objects.select_related("variant").order_by("position", "pk")
    return orders.select_related("supplier", "location").prefetch_related(Prefetch("lines", lines))


def mails_about(order: PurchaseOrder) -> list[OutgoingMail]:
    """The mails with the order, newest first: sent, waiting, or given up."""
    return list(OutgoingMail.objects.filter(about=order.subject).defer("text", "html").order_by("-id")[:5])


def receipts_of(order: PurchaseOrder) -> list[Receipt]:
    """What arrived, newest first, with its lines."""
    lines = ReceiptLine.objects.select_related("line__variant").order_by("pk")
    return list(order.receipts.order_by("-at", "-id").prefetch_related(Prefetch("lines", lines)))


def late(orders: QuerySet[PurchaseOrder], today: date) -> QuerySet[PurchaseOrder]:
    """Firm orders whose goods should have come before today."""
    return orders.filter(state__in=OPEN_STATES, expected_on__lt=today)
