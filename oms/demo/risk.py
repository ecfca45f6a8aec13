"""Risk and holds of the demo shop: rules, some suspicious orders, addresses that are not in order, a line that waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.actors import Actor
from core.addresses import Address
from core.models import User
from core.permissions import Role
from inventory.models import Variant
from oms.orchestration.hold_order import hold_order
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewLine, NewOrder, NewPayment, Placed
from oms.orchestration.screening import decide_risk, screen_orders
from orders.models import Channel, OrderLine
from orders.states import HoldKind
from risk.models import RiskAssessment, RiskRule
from risk.operations import add_rule, change_settings
from risk.states import RuleKind

ACTOR = Actor.system("demo")
_RULES: Sequence[tuple[str, dict[str, Any], int, bool]] = (
    (RuleKind.AMOUNT, {"limit": "1000", "currency": "EUR"}, 30, True),
    (RuleKind.FIRST_ORDER, {"limit": "500", "currency": "EUR"}, 30, True),
    (RuleKind.COUNTRIES_DIFFER, {}, 50, True),
    (RuleKind.VELOCITY, {"orders": 4, "hours": 24, "source": "email"}, 60, True),
    (RuleKind.DISPOSABLE_EMAIL, {}, 60, True),
    (RuleKind.MANY_UNITS, {"units": 10}, 30, True),
    (RuleKind.ADDRESSES_DIFFER, {}, 10, False),
)
_HOME = Address("Jan Nowak", "", "ul. Prosta 51", "", "Warszawa", "", "00-838", "PL")
_BERLIN = Address("Jonas Weber", "", "Torstraße 99", "", "Berlin", "", "10119", "DE")


def seed_risk(*, now: datetime) -> None:
    """Place them as orders of the last hours and look at them, as the worker would."""
    channel = Channel.objects.filter(name="Web store").first()
    priced = Variant.objects.filter(levels__available__gt=0, is_bundle=False, tracking="none", requires_shipping=True)
    variant = priced.order_by("-price", "pk").first()
    if channel is None or variant is None or RiskRule.objects.exists():
        return
    change_settings(review_at=50, hold_at=100, hold_addresses=True, actor=ACTOR, now=now)
    for kind, params, score, active in _RULES:
        add_rule(kind=kind, params=params, score=score, active=active, actor=ACTOR, now=now)
    burst = [
        _order(
            channel,
            variant,
            f"burst-{n}",
            now=now - timedelta(hours=4, minutes=9 * n),
            email="collector@shopper.example",
        )
        for n in range(4)
    ]
    requests = [
        _order(channel, variant, "reseller", units=12, now=now - timedelta(hours=3), email="x9k2@mailinator.com"),
        _order(channel, variant, "abroad", units=2, now=now - timedelta(hours=2), email="gift@shopper.example", billing=_BERLIN, shipping=_HOME),
        *burst,
        _order(channel, variant, "wrong", now=now - timedelta(hours=1), email="jan.n@shopper.example", shipping=_with(_HOME, postal_code="838")),
        _order(channel, variant, "sloppy", now=now - timedelta(minutes=40), email="j.weber@shopper.example", shipping=_with(_BERLIN, city="berlin", postal_code="D-10119")),
    ]  # fmt: skip
    placed = [one.order_id for one in place_orders(requests, actor=ACTOR, now=now) if isinstance(one, Placed)]
    screen_orders(order_ids=placed, now=now)
    known = RiskAssessment.objects.filter(order_id__in=placed, order__email="gift@shopper.example").exclude(level="low")
    for found in known:
        decide_risk(assessment_id=found.pk, accept=True, reason="A present; the customer called", actor=ACTOR, now=now)
    _hold_a_line(now=now)


def _with(address: Address, **parts: str) -> Address:
    return Address(**{**address.to_json(), **parts})


def _order(
    channel: Channel, variant: Variant, name: str, *, now: datetime, email: str, units: int = 1, shipping: Address = _BERLIN,
    billing: Address | None = None,
) -> NewOrder:  # fmt: skip
    line = NewLine(variant.sku, units, variant.price)
    total = variant.price * units + Decimal("6.90")
    return NewOrder(
        channel_id=channel.pk, external_id=f"demo-risk-{name}", placed_at=now, currency=channel.currency, lines=(line,), email=email,
        customer_name=shipping.name, shipping_total=Decimal("6.90"), shipping_address=shipping, billing_address=billing or shipping,
        payments=(NewPayment(total, "card"),),
    )  # fmt: skip


def _hold_a_line(*, now: datetime) -> None:
    """One line of an open order waits for the customer's word, the others can leave."""
    line = (
        OrderLine.objects.filter(
            order__lifecycle="open", order__on_hold=False, bundle__isnull=True, allocated__gt=0, picked=0, position=2
        )
        .order_by("-order__placed_at", "-order_id")
        .first()
    )
    if line is not None:
        hold_order(
            order_id=line.order_id, kind=HoldKind.CUSTOMER, reason="Wants to think about the size", lines=[line.pk],
            until=now + timedelta(days=3), owner=User.objects.filter(role=Role.SUPPORT).first(), actor=ACTOR, now=now,
        )  # fmt: skip
