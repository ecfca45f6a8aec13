"""Tells the order's own books what is on its way through gateways, so that it is neither taken nor given back twice."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Q, Sum

from orders.models import Order
from orders.moving_money import Moving, register
from payments.models import GatewayCall
from payments.states import OPEN_CALLS, CallKind


def _load(order: Order) -> Moving:
    sums = GatewayCall.objects.filter(intent__order=order, state__in=sorted(OPEN_CALLS)).aggregate(
        captures=Sum("amount", filter=Q(kind=CallKind.CAPTURE)), refunds=Sum("amount", filter=Q(kind=CallKind.REFUND))
    )
    return Moving(sums["captures"] or Decimal(0), sums["refunds"] or Decimal(0))


register(_load)
