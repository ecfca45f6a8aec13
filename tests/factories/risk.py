"""Orders that something speaks against, with the rules that say so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.addresses import Address
from oms.orchestration.screening import screen_orders
from orders.models import Channel
from risk.operations import add_rule
from tests.factories.shop import ACTOR, make_order


def flagged_orders(channel: Channel, sku: str, *, now: datetime) -> dict[str, Any]:
    """What the walk over all addresses wants: a rule, an order it holds, an address to put right, and one that is wrong."""
    rule = add_rule(kind="disposable_email", params={}, score=100, actor=ACTOR, now=now)
    home = {"name": "Ada", "line1": "ul. Długa 1", "city": "Kraków", "country": "PL"}
    risky = make_order(channel, [(sku, 1)], now=now, email="x@mailinator.com")
    sloppy = make_order(channel, [(sku, 1)], now=now, shipping_address=Address(**home, postal_code="30001"))
    wrong = make_order(channel, [(sku, 1)], now=now, shipping_address=Address(**home, postal_code="3"))
    screen_orders(order_ids=[risky.pk, sloppy.pk, wrong.pk], now=now)
    return {
        "risk_rule": rule,
        "risky": risky,
        "assessment": risky.risk,
        "check_suggested": sloppy.address_check,
        "check_wrong": wrong.address_check,
    }
