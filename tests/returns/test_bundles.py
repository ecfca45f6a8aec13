"""A bundle goes back whole or by the component, each with its share of the money."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from oms.integrity import check_integrity
from orders.models import Order
from returns.models import Return
from returns.operations import Received, Verdict, inspect_return, receive_return, resolve_return
from returns.queries import line_worths, proposed_refund
from tests.factories.bundles import make_bundle
from tests.factories.returns import ask, make_shop, send
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_next_day(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(days=1))


@pytest.fixture
def order(db) -> Order:
    """Two sets of a lamp (40) with two bulbs (5 each), sold for 44.99 each, and sent."""
    make_shop()
    lamp, bulb = make_variant("LAMP", price=Decimal(40)), make_variant("BULB", price=Decimal(5))
    make_bundle("SET", {lamp: 1, bulb: 2}, title="Lamp with bulbs")
    place = make_location()
    give_stock(lamp, place, 9), give_stock(bulb, place, 9)
    order = make_order(lines=[("SET", 2)], price="44.99")
    send(order)
    return Order.objects.get(pk=order.pk)


def refund(made: Return) -> Decimal:
    """Let it come back, look at it, and pay what is proposed."""
    lines = list(made.lines.all())
    receive_return(return_id=made.pk, lines=[Received(line.pk, line.quantity) for line in lines], actor=ACTOR, now=NOW)
    verdicts = [Verdict(line.pk, "restock", line.quantity) for line in lines]
    seen = inspect_return(return_id=made.pk, verdicts=verdicts, actor=ACTOR, now=NOW)
    amount = proposed_refund(seen, line_worths(seen))
    resolve_return(return_id=made.pk, amount=amount, actor=ACTOR, now=NOW)
    return amount


def send_form(client, url: str, fields: dict[str, object]):
    page = client.get(url).content.decode()
    key = re.search(r'name="request_key" value="([^"]+)"', page)[1]
    return client.post(url, {"request_key": key, "step": "send", **fields})


def test_a_customer_sends_a_whole_bundle_back_in_one_go(order, client):
    bundle, url = order.bundles.get(), f"/t/{order.token}/return/"
    assert "Lamp with bulbs" in client.get(url).content.decode()
    refused = send_form(client, url, {f"bundle-{bundle.pk}": 1})
    assert refused.status_code == 422 and "Choose a reason" in refused.content.decode()
    review = send_form(
        client, url, {f"bundle-{bundle.pk}": 1, f"bundle-reason-{bundle.pk}": "changed_mind", "step": "review"}
    )
    assert review.status_code == 200 and f'name="bundle-{bundle.pk}" value="1"' in review.content.decode()
    assert (
        send_form(client, url, {f"bundle-{bundle.pk}": 1, f"bundle-reason-{bundle.pk}": "changed_mind"}).status_code
        == 302
    )
    made = Return.objects.get()
    lines = made.lines.order_by("order_line__position").values_list("order_line__sku", "quantity", "reason")
    assert list(lines) == [("LAMP", 1, "changed_mind"), ("BULB", 2, "changed_mind")]
    assert refund(made) == Decimal("44.99")
    assert check_integrity()[1] == []


def test_a_component_goes_back_singly_and_then_fewer_whole_bundles_can(order, client_as):
    ask(order, 0, 1)
    client, bundle, url = client_as("support"), order.bundles.get(), f"/orders/{order.pk}/return/"
    page = client.get(url).content.decode()
    menu = re.search(rf'name="bundle-{bundle.pk}".*?</select>', page, re.S)[0]
    assert 'value="1"' in menu and 'value="2"' not in menu
    lamp = order.lines.get(sku="LAMP")
    both = {
        f"bundle-{bundle.pk}": 1, f"bundle-reason-{bundle.pk}": "damaged",
        f"quantity-{lamp.pk}": 1, f"reason-{lamp.pk}": "changed_mind",
    }  # fmt: skip
    assert send_form(client, url, both).status_code == 302
    lines = Return.objects.latest("pk").lines.order_by("order_line__position")
    assert list(lines.values_list("order_line__sku", "quantity", "reason")) == [
        ("LAMP", 2, "changed_mind"),
        ("BULB", 2, "damaged"),
    ]
    too_many = send_form(client, url, {f"bundle-{bundle.pk}": 1, f"bundle-reason-{bundle.pk}": "damaged"})
    assert too_many.status_code == 422 and check_integrity()[1] == []


def test_single_pieces_add_up_to_the_bundles(order):
    amounts = [refund(ask(order, *units)) for units in ((1, 1), (0, 2), (1, 1))]
    assert all(amount > 0 for amount in amounts)
    assert sum(amounts) == order.total == Decimal("89.98")
    assert Order.objects.get().refunded_total == order.total and check_integrity()[1] == []
