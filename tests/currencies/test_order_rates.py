"""The rate of an order: fixed at placement, kept through changes, set once where none was known; what it costs; what reports say."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.actors import Actor
from core.models import Shop
from core.money import quantize
from core.refusals import Invalid, Refusal
from currencies.ecb import Quoted
from currencies.operations import save_rate, take_rates
from oms.orchestration.place_order import place_orders
from orders.models import MissingRate, Order, OrderRate
from orders.operations import record_payment, record_refund
from orders.operations.rates import fix_rates, look_up_rate, set_order_rate
from reports.models import DailyFigure
from reports.operations import mark_every_day, refresh_figures
from reports.queries import Range, figures_for
from tests.factories.shop import NOW, give_stock, make_channel, make_location, make_order, make_variant, new_order

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")
TODAY = NOW.date()
_examples = itertools.count(1)


@pytest.fixture
def shop() -> Shop:
    return Shop.objects.create(name="Shop", currency="EUR", time_zone="Europe/Warsaw")


def rates(day: date = TODAY, **quoted: str) -> None:
    take_rates([Quoted(day, currency, Decimal(rate)) for currency, rate in quoted.items()])


def order_in(currency: str, **fields: Any) -> Order:
    return make_order(make_channel(currency=currency), **fields)


def test_an_order_in_another_currency_keeps_the_rate_of_its_day(shop: Shop) -> None:
    rates(USD="1.25")
    order = order_in("USD")
    rate = OrderRate.objects.get()
    assert (rate.order_id, rate.currency, rate.rate, rate.source, rate.quoted_on) == (
        order.pk,
        "EUR",
        Decimal("0.8"),
        "ecb",
        TODAY,
    )
    rates(TODAY, USD="2")
    record_payment(
        order_id=order_in("USD", paid=False).pk, amount=Decimal(5), method="cash", key="k", actor=ACTOR, now=NOW
    )
    record_refund(order_id=order.pk, amount=Decimal(1), reason="", key="r", actor=ACTOR, now=NOW)
    assert fix_rates([order.pk], own="EUR") == []
    rate.refresh_from_db()
    assert rate.rate == Decimal("0.8")


def test_the_day_is_the_shops(shop: Shop) -> None:
    """At 23:30 in London it is tomorrow in Warsaw, and tomorrow's rate counts."""
    rates(TODAY, USD="1.25")
    rates(TODAY + timedelta(days=1), USD="2")
    placed = NOW.replace(hour=23, minute=30)
    assert order_in("USD", placed_at=placed).rate.rate == Decimal("0.5")


def test_an_order_in_the_shops_currency_has_none_and_costs_no_statement_more(shop: Shop) -> None:
    euro, dollar = make_channel(currency="EUR"), make_channel(currency="USD")
    variant, place = make_variant(), make_location()
    give_stock(variant, place, 50)
    rates(USD="1.25")
    counted = {}
    for name, channels in {"euro": [euro] * 3, "dollar": [dollar] * 3, "more": [dollar] * 9}.items():
        requests = [new_order(channel, [(variant.sku, 1)]) for channel in channels]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            place_orders(requests, actor=ACTOR, now=NOW)
        counted[name] = [q["sql"] for q in queries if "rate" in q["sql"] and "oms_exchange_rate" in q["sql"]]
    assert [len(found) for found in counted.values()] == [0, 1, 1]
    assert OrderRate.objects.count() == 12
    assert not OrderRate.objects.filter(order__currency="EUR").exists()


def test_without_a_rate_of_the_last_week_the_order_waits_for_one_and_gets_it_once(shop: Shop) -> None:
    rates(TODAY - timedelta(days=8), USD="1.25")
    order = order_in("USD")
    assert not OrderRate.objects.exists()
    assert MissingRate.objects.get().order_id == order.pk
    with pytest.raises(Refusal) as refused:
        look_up_rate(order_id=order.pk, actor=ACTOR, now=NOW)
    assert refused.value.code == "no_rate"
    set_order_rate(order_id=order.pk, rate=Decimal("0.9"), actor=ACTOR, now=NOW)
    assert not MissingRate.objects.exists()
    for again in (lambda: set_order_rate(order_id=order.pk, rate=Decimal(2), actor=ACTOR, now=NOW), lambda: look_up_rate(order_id=order.pk, actor=ACTOR, now=NOW)):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            again()
        assert refused.value.code == "rate_is_fixed"
    assert OrderRate.objects.get().rate == Decimal("0.9")
    with pytest.raises(Refusal) as refused:
        set_order_rate(order_id=order_in("EUR").pk, rate=Decimal(2), actor=ACTOR, now=NOW)
    assert refused.value.code == "own_currency"
    with pytest.raises(Invalid):
        set_order_rate(order_id=order.pk, rate=Decimal(0), actor=ACTOR, now=NOW)


@pytest.mark.usefixtures("committed")
def test_of_two_who_set_a_rate_one_wins(threads: Any) -> None:
    Shop.objects.create(name="Shop", currency="EUR")
    order = order_in("USD")
    outcomes = threads(4, lambda i: set_order_rate(order_id=order.pk, rate=Decimal(i + 1), actor=ACTOR, now=NOW))
    assert sorted(getattr(one, "code", "set") for one in outcomes) == ["rate_is_fixed"] * 3 + ["set"]
    assert OrderRate.objects.count() == 1


def test_what_became_known_later_is_looked_up_for_the_day_of_the_order(shop: Shop) -> None:
    order = order_in("USD", placed_at=NOW - timedelta(days=400))
    rates((NOW - timedelta(days=401)).date(), USD="1.25")
    assert look_up_rate(order_id=order.pk, actor=ACTOR, now=NOW).rate == Decimal("0.8")


def test_a_shop_that_changed_its_currency_takes_new_rates_for_old_orders(shop: Shop) -> None:
    rates(USD="1.25", PLN="5")
    order = order_in("USD")
    Shop.objects.update(currency="PLN")
    assert fix_rates([order.pk], own="PLN") == [order.pk]
    assert (order.rate.currency, order.rate.rate) == ("PLN", Decimal(4))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    own=st.sampled_from(["JPY", "EUR", "KWD"]),
    orders=st.lists(
        st.tuples(st.sampled_from(["JPY", "EUR", "KWD", "USD", "ISK"]), st.integers(1, 9999), st.integers(1, 3)), min_size=1, max_size=6
    ),
)  # fmt: skip
def test_figures_in_the_shops_currency_are_the_sum_of_the_orders_at_their_rates(
    own: str, orders: list[tuple[str, int, int]]
) -> None:
    moment = NOW - timedelta(days=30 * next(_examples))  # each example has days of its own
    day = moment.date()
    Shop.objects.update_or_create(pk=1, defaults={"name": "Shop", "currency": own, "time_zone": "UTC"})
    rates(day, USD="1.0837", JPY="162.29", KWD="0.3312")  # of the króna nobody knows
    variant, place = make_variant(), make_location()
    give_stock(variant, place, 100)
    for currency, price, units in orders:
        make_order(make_channel(currency=currency), [(variant.sku, units)], price=str(price), placed_at=moment)
    mark_every_day()
    while refresh_figures():
        pass
    found = figures_for(Range(day, day))
    expected, unrated = Decimal(0), 0
    for order in Order.objects.filter(placed_at=moment):
        rate = OrderRate.objects.filter(order=order).first()
        if order.currency == own:
            assert rate is None
            expected += order.total
        elif rate:
            expected += quantize(order.total * rate.rate, own)
        else:
            unrated += 1
    assert found.total.revenue == expected == sum(found.total.by_channel.values())
    assert (
        sum(count for count, _amount in found.unrated.values())
        == unrated
        == MissingRate.objects.filter(placed_on=day).count()
    )


def test_a_late_rate_brings_its_order_into_the_sums(shop: Shop) -> None:
    from orders.events import OrderRateFixed
    from reports import handlers

    order = order_in("USD")
    mark_every_day()
    refresh_figures()
    assert DailyFigure.objects.get().unrated_revenue == order.total
    set_order_rate(order_id=order.pk, rate=Decimal("0.9"), actor=ACTOR, now=NOW)
    handlers.order_changed(OrderRateFixed(order.pk), actor=ACTOR, now=NOW)
    refresh_figures()
    figure = DailyFigure.objects.get()
    assert (figure.own_currency, figure.own_revenue, figure.unrated) == ("EUR", Decimal(9), 0)


def test_figures_follow_a_shop_that_changes_its_currency(shop: Shop) -> None:
    order_in("EUR")
    mark_every_day()
    refresh_figures()
    Shop.objects.update(currency="PLN")
    refresh_figures()
    assert (DailyFigure.objects.get().own_currency, DailyFigure.objects.get().unrated) == ("PLN", 1)


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_the_pages_of_rates(client_as: Any, shop: Shop) -> None:
    client: Client = client_as("finance")
    made = client.post("/rates/new/", {"base": "eur", "quote": "usd", "rate": "1.0837", "day": TODAY.isoformat()})
    assert made.status_code == 302
    wrong = client.post("/rates/new/", {"base": "EUR", "quote": "EUR", "rate": "0", "day": "2199-01-01"})
    assert wrong.status_code == 422
    page = client.get("/rates/").content.decode()
    assert "1.0837" in page and "USD" in page
    assert client.get("/rates/?currency=usd&day_from=2020-01-01&source=manual").status_code == 200
    assert client_as("viewer").get("/rates/new/").status_code == 403


def test_the_page_of_an_order_tells_its_rate_and_asks_for_a_missing_one(client_as: Any, shop: Shop) -> None:
    client: Client = client_as("finance")
    waiting = order_in("USD")
    assert "/rates/orders/?q=" in client.get(f"/orders/{waiting.pk}/").content.decode()
    save_rate(base="USD", quote="EUR", day=TODAY, rate=Decimal("0.8"), actor=ACTOR, now=NOW)
    page = client.get(f"/orders/{order_in('USD').pk}/").content.decode()
    assert "1 USD = 0.8 EUR" in page and "€8.00" in page
    assert "rate-title" not in client.get(f"/orders/{order_in('EUR').pk}/").content.decode()


def test_orders_without_a_rate_are_given_one_in_bulk_and_only_of_one_currency(client_as: Any, shop: Shop) -> None:
    client: Client = client_as("finance")
    dollars, crowns = [order_in("USD") for _n in range(2)], order_in("ISK")
    assert crowns.number in client.get("/rates/orders/").content.decode()
    everything = {
        "action": "set",
        "id": [str(m.pk) for m in MissingRate.objects.all()],
        "rate": "0.9",
        "confirmed": "1",
    }
    client.post("/rates/orders/", everything)
    assert not OrderRate.objects.exists()
    some = everything | {"id": [str(m.pk) for m in MissingRate.objects.filter(currency="USD")]}
    client.post("/rates/orders/", some)
    assert set(OrderRate.objects.values_list("order_id", "rate")) == {(o.pk, Decimal("0.9")) for o in dollars}


@pytest.mark.parametrize("path", ["/rates/", "/rates/orders/"])
def test_a_list_costs_the_same_for_one_row_and_for_many(client_as: Any, shop: Shop, path: str) -> None:
    client: Client = client_as("finance")
    order_in("ISK")
    rates(USD="1.1")
    client.get(path)
    with CaptureQueriesContext(connection) as one:
        client.get(path)
    for _n in range(4):
        order_in("ISK")
    rates(PLN="4", GBP="0.8", JPY="160")
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(one) == len(many)


def test_reports_show_all_revenue_and_name_what_has_no_rate(client_as: Any, shop: Shop) -> None:
    from django.utils import timezone

    now = timezone.now()
    take_rates([Quoted(now.date(), "USD", Decimal("1.25"))])
    for currency in ("EUR", "USD", "ISK"):
        order_in(currency, placed_at=now)
    mark_every_day()
    refresh_figures()
    client: Client = client_as("finance")
    page = client.get("/reports/").content.decode()
    assert "€18.00" in page and "/rates/orders/" in page and "ISK" in page
    file = b"".join(client.get("/reports/?export=csv")).decode()
    assert ",USD,1,0,10.0000,0.0000,8.0000,0.0000,0" in file
