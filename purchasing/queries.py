"""Reads of purchasing: rates, lists, what an order page shows."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from purchasing.models import PurchaseOrder

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
