"""Bundles on the pages, papers and mails of an order: the group with its components below."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import OutgoingMail
from fulfillment.models import FulfillmentOrder
from fulfillment.queries import pick_list_for, slips_for, with_lines
from oms.integrity import check_integrity
from orders.models import Order
from tests.factories.bundles import make_bundle
from tests.factories.returns import make_shop, send
from tests.factories.shop import NOW, give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(db) -> Order:
    """Two sets of a lamp with two bulbs, and a bulb."""
    make_shop()
    lamp, bulb = make_variant("LAMP", title="Lamp"), make_variant("BULB", title="Bulb")
    make_bundle("SET", {lamp: 1, bulb: 2}, title="Lamp with bulbs")
    place = make_location("Warsaw")
    give_stock(lamp, place, 9, bin="A-02"), give_stock(bulb, place, 30, bin="A-01")
    return make_order(lines=[("SET", 2), ("BULB", 1)], price="45")


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_orders_page_shows_the_bundle_above_its_components(order, client_as):
    text = text_of(client_as("viewer").get(f"/orders/{order.pk}/"))
    assert re.search(r"Lamp with bulbs Bundle SET .* 2 €90\.00 €45\.00 .*Lamp LAMP .*Bulb BULB", text)


def test_the_page_costs_the_same_with_more_bundles(order, client_as):
    client = client_as("owner")
    big = make_order(lines=[("SET", 1)] * 3, price="45")

    def statements(pk: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"/orders/{pk}/").status_code == 200
        return len(seen)

    statements(order.pk)
    assert statements(order.pk) == statements(big.pk)


def test_the_list_finds_an_order_by_the_sku_of_a_bundle(order, client_as):
    client = client_as("viewer")
    for query in ("q=set", "sku=SET", "q=lamp", "sku=BULB"):
        assert order.number in client.get(f"/orders/?{query}").content.decode(), query
    assert order.number not in client.get("/orders/?sku=OTHER").content.decode()


def test_slip_shows_the_group_and_the_pick_list_components_only(order):
    found = with_lines(FulfillmentOrder.objects.values_list("pk", flat=True))
    lines = next(iter(slips_for(found).values())).lines
    assert [(line.sku, line.quantity, line.part, line.heading) for line in lines] == [
        ("BULB", 4, True, ("Lamp with bulbs", 2)),
        ("LAMP", 2, True, None),
        ("BULB", 1, False, None),
    ]
    picked = pick_list_for(found, number="1", language="en", now=NOW).lines
    assert sorted((line.sku, line.quantity) for line in picked) == [("BULB", 1), ("BULB", 4), ("LAMP", 2)]


def test_the_slip_is_printed_with_the_group(order):
    from fulfillment.documents.slips import slip_html

    found = with_lines(FulfillmentOrder.objects.values_list("pk", flat=True))
    page = slip_html(next(iter(slips_for(found).values())), anchor="a")
    text = re.sub(r"[\u2066-\u2069]", "", re.sub(r"<[^>]+>", " ", page))
    assert re.search(r"2 × Lamp with bulbs\s+4 × Bulb\s.*2 × Lamp\s.*1 × Bulb", text, re.S)


def test_mail_and_tracking_page_show_the_group(order, client):
    from core.actors import Actor
    from fulfillment.events import FulfillmentShipped
    from fulfillment.handlers import tell_customer_shipped

    waiting = text_of(client.get(f"/t/{order.token}/"))
    assert re.search(r"2 &nbsp;× Lamp with bulbs SET 2 &nbsp;× Lamp LAMP 4 &nbsp;× Bulb BULB", waiting)
    send(order)
    tell_customer_shipped(FulfillmentShipped(FulfillmentOrder.objects.get().pk), actor=Actor.system("test"), now=NOW)
    body = OutgoingMail.objects.get(dedupe_key__startswith="shipped:").text
    assert "- 2 × Lamp with bulbs:\n    2 × Lamp\n    4 × Bulb\n- 1 × Bulb" in body


class TestCancelling:
    def url(self, order: Order) -> str:
        return f"/orders/{order.pk}/cancel/"

    def test_a_whole_bundle_by_its_field(self, order, client_as):
        client, bundle = client_as("support"), order.bundles.get()
        page = client.get(self.url(order)).content.decode()
        assert f'name="bundle-{bundle.pk}" value="2"' in page
        form = {"version": order.version, f"bundle-{bundle.pk}": 1, "reason": "wish"}
        seen = client.post(self.url(order), form | {"step": "preview"})
        assert "€45.00" in seen.content.decode() and Order.objects.get().cancelled_total == 0
        assert client.post(self.url(order), form | {"step": "cancel"}).status_code == 302
        assert Order.objects.get().cancelled_total == Decimal(45)
        assert sorted(order.lines.values_list("sku", "cancelled")) == [("BULB", 0), ("BULB", 2), ("LAMP", 1)]
        assert check_integrity()[1] == []

    def test_more_by_the_unit_than_the_bundles_leave_is_named(self, order, client_as):
        bundle, lamp = order.bundles.get(), order.lines.get(sku="LAMP")
        form = {"version": order.version, f"bundle-{bundle.pk}": 2, f"line-{lamp.pk}": 1, "step": "cancel"}
        answer = client_as("support").post(self.url(order), form)
        assert answer.status_code == 422 and "more than 2" in answer.content.decode()
        assert Order.objects.get().cancelled_total == 0

    def test_the_form_as_it_comes_cancels_everything(self, order, client_as):
        client = client_as("support")
        page = client.get(self.url(order)).content.decode()
        fields = dict(re.findall(r'name="((?:line|bundle)-\d+)" value="(\d+)"', page))
        assert client.post(self.url(order), fields | {"version": order.version, "step": "cancel"}).status_code == 302
        assert Order.objects.get().lifecycle == "cancelled"
