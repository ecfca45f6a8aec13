"""Pages: the orders list, the order page and search, through the whole stack, against the plain SQL behind them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import connection
from django.test import Client
from django.urls import reverse

from api.tokens import create_token
from core.listing.keyset import Keyset
from core.models import User
from core.permissions import Role
from oms.bench.data import make_orders, make_shop, use_database
from oms.bench.measuring import Figure, Meter, repeat
from orders.models import Channel, Order

TIMES = 60
NEWEST_FIRST = Keyset(("placed_at", "id"), desc=True)
_LIST = "SELECT * FROM orders_order {where} ORDER BY placed_at DESC, id DESC LIMIT 50"


def _prepare(size: int, now: datetime) -> tuple[Client, Client]:

    def fill() -> None:
        make_shop(units=1000, now=now)
        make_orders(size, now=now)

    use_database(f"pages_{size}", fill)
    user, _created = User.objects.get_or_create(username="bench", defaults={"role": Role.OWNER})
    browser = Client()
    browser.force_login(user)
    program = Client(headers={"Authorization": f"Bearer {create_token(name='bench', role='owner')[1]}"})
    return browser, program


def _get(client: Client, url: str) -> Callable[[], None]:
    def call() -> None:
        response = client.get(url)
        if response.status_code != 200:
            raise RuntimeError(f"{url}: {response.status_code}")

    return call


def _sql(statement: str, *parameters: object) -> Callable[[], None]:
    def call() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            cursor.fetchall()

    return call


def _beside(meter: Meter, name: str, page: Callable[[], None], raw: Callable[[], None], note: str = "") -> Figure:
    figure = meter.run(name, repeat(page, TIMES), note=note)
    return figure.against(meter.run("raw", repeat(raw, TIMES * 3)))


def bench_list(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """The orders list: first page, filtered, searched, page 500 by cursor; the page and the API."""
    browser, program = _prepare(size, now)
    url = reverse("orders")
    channel = Channel.objects.get(name="Rare channel").pk
    plain = _LIST.format(where="")
    row = NEWEST_FIRST.order(Order.objects.only("placed_at", "id"))[min(499 * 50, size - 51)]
    far = NEWEST_FIRST.cursor(row)
    beyond = _sql(_LIST.format(where="WHERE (placed_at, id) < (%s, %s)"), row.placed_at, row.pk)
    some = _sql(_LIST.format(where="WHERE lifecycle = 'open' AND payment = 'paid'"))
    rare = _sql(_LIST.format(where="WHERE channel_id = %s"), channel)
    found = _sql(_LIST.format(where="WHERE search @@ %s::tsquery"), "'zofia':*")
    number = _sql(_LIST.format(where="WHERE search @@ %s::tsquery"), f"'{100000 + size // 2}':*")
    return [
        _beside(meter, "list: page 1", _get(browser, url), _sql(plain), f"{size:,} orders"),
        _beside(meter, "list: open and paid", _get(browser, f"{url}?lifecycle=open&payment=paid"), some),
        _beside(meter, "list: a rare channel", _get(browser, f"{url}?channel={channel}"), rare),
        _beside(meter, "list: search, common name", _get(browser, f"{url}?q=zofia"), found),
        _beside(meter, "list: search, one number", _get(browser, f"{url}?q={100000 + size // 2}"), number),
        _beside(meter, "list: page 500 by cursor", _get(browser, f"{url}?after={far}"), beyond),
        _beside(meter, "api list: page 1", _get(program, "/api/v1/orders"), _sql(plain)),
        _beside(meter, "api list: search, common name", _get(program, "/api/v1/orders?q=zofia"), found),
        _beside(meter, "api list: page 500 by cursor", _get(program, f"/api/v1/orders?cursor={far}"), beyond),
    ]


def bench_detail(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """The order page and the order over the API."""
    browser, program = _prepare(size, now)
    pk = Order.objects.filter(lifecycle="open").order_by("pk").values_list("pk", flat=True)[0]
    raw = _sql("SELECT * FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id WHERE o.id = %s", pk)
    return [
        _beside(meter, "detail: order page", _get(browser, reverse("order", args=[pk])), raw, f"{size:,} orders"),
        _beside(meter, "detail: order by API", _get(program, f"/api/v1/orders/{pk}"), raw),
    ]


def bench_search(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """The global search over orders, products and customers."""
    browser, _program = _prepare(size, now)
    url = reverse("search")
    word = _sql(_LIST.format(where="WHERE search @@ %s::tsquery"), "'kowalska':*")
    one = _sql(_LIST.format(where="WHERE search @@ %s::tsquery"), "'emma4':*")
    return [
        _beside(meter, "search: common name", _get(browser, f"{url}?q=kowalska"), word, f"{size:,} orders"),
        _beside(meter, "search: part of an address", _get(browser, f"{url}?q=emma4"), one),
        _beside(meter, "search: nothing found", _get(browser, f"{url}?q=zzzzzz"), one),
    ]
