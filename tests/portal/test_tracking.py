"""The tracking page: what a customer sees of every kind of order, in their language and zone, and of nobody else's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from backorders.models import LinePromise
from core.formats import range_text
from fulfillment.models import Shipment
from fulfillment.operations.tracking import TrackingUpdate, record_tracking
from oms.orchestration.cancel_order import cancel_order
from orders.models import Order
from tests.factories.returns import ask, deliver, make_shop, send, sent_order
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant


def page(client: Client, order: Order, **headers: str) -> str:
    response = client.get(f"/t/{order.token}/", **headers)
    assert response.status_code == 200
    return response.content.decode()


def report(order: Order, code: str, at: datetime, **fields: str) -> None:
    shipment = Shipment.objects.get(order=order, direction="outbound")
    record_tracking(shipment_id=shipment.pk, updates=[TrackingUpdate(code, at, **fields)], actor=ACTOR, now=at)


def headline(text: str) -> str:
    return re.sub(r"<[^>]+>", "", re.search(r"<h1[^>]*>(.*?)</h1>", text, re.S)[1]).strip()


@pytest.mark.django_db
class TestWhatItSays:
    def test_being_prepared(self, client: Client) -> None:
        text = page(client, make_order())
        assert headline(text) == "We are preparing your order"
        assert "Expected" in text

    def test_on_its_way_with_tracking_number(self, client: Client) -> None:
        order = sent_order(1)
        text = page(client, order)
        assert headline(text) == "On its way to you"
        assert Shipment.objects.get(order=order).packages.get().tracking_number in text

    def test_out_for_delivery_and_delivered(self, client: Client) -> None:
        order = sent_order(1)
        report(order, "out_for_delivery", NOW + timedelta(days=1))
        assert headline(page(client, order)) == "Out for delivery"
        deliver(order, at=NOW + timedelta(days=2))
        assert headline(page(client, order)) == "Delivered"

    def test_trouble_with_the_delivery(self, client: Client) -> None:
        order = sent_order(1)
        report(order, "exception", NOW + timedelta(days=1), description="Nobody at home")
        text = page(client, order)
        assert headline(text) == "The carrier could not deliver"
        assert "Nobody at home" in text

    def test_waiting_for_stock(self, client: Client) -> None:
        make_location()
        variant = make_variant()
        text = page(client, make_order(lines=[(variant.sku, 2)]))
        assert headline(text) == "Waiting for stock"
        assert "Still to come" in text

    def test_a_part_sent_and_a_part_waiting(self, client: Client) -> None:
        location, ready, short = make_location(), make_variant("READY"), make_variant("SHORT")
        give_stock(ready, location, 5)
        order = make_order(lines=[(ready.sku, 1), (short.sku, 3)])
        send(order)
        text = page(client, order)
        assert headline(text) == "Part of your order is on its way"
        waiting = text[text.index("Still to come") :]
        assert "SHORT" in waiting
        assert "READY" not in waiting

    def test_cancelled(self, client: Client) -> None:
        order = make_order()
        cancel_order(order_id=order.pk, units=None, reason="", actor=ACTOR, now=NOW)
        assert headline(page(client, order)) == "This order was cancelled"

    def test_returns_are_shown_with_their_steps(self, client: Client) -> None:
        make_shop()
        order = sent_order(1)
        made = ask(order)
        text = page(client, order)
        assert made.number in text
        assert f"/t/{order.token}/returns/{made.number}/" in text


@pytest.mark.django_db
class TestForTheirEyes:
    def test_times_are_those_of_the_country_it_goes_to(self, client: Client) -> None:
        order = sent_order(1)  # to Poland
        report(order, "in_transit", datetime(2026, 11, 21, 23, 30, tzinfo=UTC), place="Łódź")
        text = page(client, order)
        assert "Nov 22, 2026, 12:30" in text
        assert "Warsaw" in text

    def test_it_speaks_the_orders_language_until_another_is_chosen(self, client: Client) -> None:
        order = sent_order(1, language="fa")
        assert 'lang="fa" dir="rtl"' in page(client, order)
        client.post("/language/", {"language": "en", "next": f"/t/{order.token}/"})
        assert 'lang="en" dir="ltr"' in page(client, order)

    def test_an_unknown_language_reads_as_english(self, client: Client) -> None:
        assert 'lang="en"' in page(client, sent_order(1, language="xx"))

    def test_it_may_not_be_kept_indexed_or_referred_from(self, client: Client) -> None:
        headers = client.get(f"/t/{sent_order(1).token}/").headers
        assert headers["Cache-Control"] == "private, no-store"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert "script-src 'self'" in headers["Content-Security-Policy"]

    def test_it_needs_no_script(self, client: Client) -> None:
        assert "<script" not in page(client, sent_order(1))

    def test_markup_in_what_others_wrote_is_text(self, client: Client) -> None:
        make_shop()
        evil = '<img src=x onerror="alert(1)">'
        order = sent_order(1)
        order.lines.update(title=evil)
        report(order, "exception", NOW + timedelta(hours=1), description=evil, place=evil)
        made = ask(order, note=evil)
        for url in (f"/t/{order.token}/", f"/t/{order.token}/returns/{made.number}/"):
            text = client.get(url).content.decode()
            assert "<img src=x" not in text
            assert "&lt;img src=x" in text


@pytest.mark.django_db
class TestCost:
    def test_more_parcels_cost_no_more_statements(self, client: Client) -> None:
        make_shop()

        def statements(order: Order) -> int:
            with CaptureQueriesContext(connection) as captured:
                page(client, order)
            assert all(query["sql"].startswith("SELECT") for query in captured)
            return len(captured)

        small = sent_order(2)
        ask(small, 1)
        big = sent_order(2, 2, 2)
        ask(big, 1, 1)
        ask(big, 0, 1, 1)
        page(client, small)
        assert statements(big) == statements(small)

    def test_two_warehouses_make_two_parcels(self, client: Client) -> None:
        first, second = make_location("One"), make_location("Two", latitude=50.0, longitude=20.0)
        a, b = make_variant(), make_variant()
        give_stock(a, first, 5)
        give_stock(b, second, 5)
        order = make_order(make_channel(), [(a.sku, 1), (b.sku, 1)])
        send(order)
        text = page(client, order)
        assert "Parcel 1 of 2" in text
        assert "Parcel 2 of 2" in text


@pytest.mark.django_db
class TestStrangers:
    @pytest.mark.parametrize(
        "token", ["1", "2", "0", "None", "null", "undefined", "' OR 1=1 --", "a" * 43, "a" * 500, "%00", "../../login"]
    )
    def test_counted_or_made_up_tokens_give_nothing(self, client: Client, token: str) -> None:
        order = make_order()
        response = client.get(f"/t/{token}/")
        assert response.status_code == 404
        assert order.number not in response.content.decode()

    def test_a_token_has_no_less_than_128_bits(self) -> None:
        tokens = {make_order().token for _ in range(5)}
        assert len(tokens) == 5
        assert all(len(token) >= 22 for token in tokens)


@pytest.mark.django_db
class TestDays:
    def test_the_days_between_which_it_comes_in_the_customers_words(self, client: Client) -> None:
        order = make_order(make_channel(language="pl"), language="pl", now=timezone.now())
        work = order.fulfillment_orders.get()
        first, last = timezone.localdate() + timedelta(days=3), timezone.localdate() + timedelta(days=5)
        type(work).objects.filter(pk=work.pk).update(expected_from=first, expected_on=last)
        text = page(client, order)
        with translation.override("pl"):
            assert range_text(first, last) in text and range_text(first, last) != range_text(None, last)

    def test_what_waits_says_when_it_should_leave(self, client: Client) -> None:
        make_location()
        order = make_order(make_channel(), [(make_variant("GONE").sku, 2)], now=timezone.now())
        line = order.lines.get()
        day = timezone.localdate() + timedelta(days=9)
        LinePromise.objects.create(
            line=line, order=order, variant_id=line.variant_id, units=2, waiting_since=order.placed_at,
            promised_on=day, first_promised_on=day,
        )  # fmt: skip
        text = page(client, order)
        assert "hould leave us about" in text and "Should leave us about" in text
        LinePromise.objects.update(promised_on=None)
        assert "Your order is sent as soon as the goods arrive." in page(client, order)
