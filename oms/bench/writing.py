"""Placing orders: in batches and one by one over the API, against the same rows by plain SQL."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.test import Client

from api.tokens import create_token
from core.addresses import Address
from inventory.models import Variant
from oms.bench.data import ACTOR, make_shop, use_database
from oms.bench.measuring import Figure, Meter
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.models import Channel, Order

BATCH = 500
LINES = 3
_serial = itertools.count(1)

#: Tables that an order fills, with the columns that hold ids of other new rows, and how the copy of the rows is told apart.
_TABLES: dict[str, dict[str, str]] = {
    "orders_order": {"id": "id + {d}", "token": "'r' || token", "external_id": "'raw-' || external_id"},
    "orders_orderline": {"id": "id + {d}", "order_id": "order_id + {d}"},
    "orders_paymentrecord": {"id": "id + {d}", "order_id": "order_id + {d}"},
    "fulfillment_fulfillmentorder": {"id": "id + {d}", "order_id": "order_id + {d}", "number": "'R' || number"},
    "fulfillment_fulfillmentline": {
        "id": "id + {d}",
        "fulfillment_order_id": "fulfillment_order_id + {d}",
        "order_line_id": "order_line_id + {d}",
    },
    "inventory_reservation": {"id": "id + {d}", "owner": "'raw-' || owner"},
    "inventory_stockmovement": {"id": "id + {d}"},
    "routing_routingdecision": {"id": "id + {d}", "order_id": "order_id + {d}"},
    "core_timelineentry": {"id": "id + {d}", "subject": "'raw-' || subject"},
    "core_outboxevent": {"id": "id + {d}"},
}
_SHIFT = 1_000_000_000


def orders(count: int, chance: random.Random, *, now: datetime) -> list[NewOrder]:
    """Paid orders of three different SKUs from one channel."""
    channel = Channel.objects.order_by("pk")[0].pk
    skus = list(Variant.objects.values_list("sku", flat=True))
    made = []
    for _ in range(count):
        n = next(_serial)
        lines = tuple(NewLine(sku, chance.randint(1, 3), Decimal("19.90")) for sku in chance.sample(skus, LINES))
        total = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
        made.append(
            NewOrder(
                channel_id=channel, external_id=f"bench-{now:%H%M%S%f}-{n}", number=f"#{n}", placed_at=now, currency="EUR", lines=lines,
                email=f"buyer{n}@example.com", customer_name=f"Buyer {n}", payments=(NewPayment(total, "card"),),
                shipping_address=Address(f"Buyer {n}", "", f"Street {n}", "", "Kraków", "", "30-001", "PL"),
            )
        )  # fmt: skip
    return made


def bench_ingest(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """Batch ingest of orders of three lines with routing and reservation."""
    use_database("ingest", lambda: make_shop(now=now))
    chance = random.Random(1)
    place_orders(orders(BATCH, chance, now=now), actor=ACTOR, now=now)
    batches = [orders(BATCH, chance, now=now) for _ in range(max(1, size // BATCH))]
    before = _last_ids()
    figure = meter.run(
        "ingest",
        [_placing(batch, now) for batch in batches],
        per_call=BATCH,
        note=f"{LINES} lines, 10 locations, batches of {BATCH}",
    )
    return [figure.against(_raw_copy(meter, before, figure.operations))]


def _placing(batch: list[NewOrder], now: datetime) -> Callable[[], object]:
    return lambda: place_orders(batch, actor=ACTOR, now=now)


def _last_ids() -> dict[str, int]:
    with connection.cursor() as cursor:
        last = {}
        for table in _TABLES:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table} WHERE id < {_SHIFT}")
            last[table] = cursor.fetchone()[0]
        return last


def _raw_copy(meter: Meter, before: dict[str, int], count: int) -> Figure:
    """The same rows once more by COPY into the same tables, with the stock levels updated; then they are taken out again."""
    prepared = {table: _rows_as_text(table, changes, before[table]) for table, changes in _TABLES.items()}

    def write() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for table, (columns, text) in prepared.items():
                with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                    copy.write(text)
            cursor.execute(_RAW_LEVELS, [before["inventory_stockmovement"]])

    raw = meter.run("raw", [write], per_call=count)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in _TABLES:
            cursor.execute(f"DELETE FROM {table} WHERE id >= {_SHIFT}")
        cursor.execute(_RAW_LEVELS.replace("+ d.units", "- d.units"), [before["inventory_stockmovement"]])
    return raw


_RAW_LEVELS = f"""
    UPDATE inventory_stocklevel s SET reserved = s.reserved + d.units
      FROM (SELECT variant_id, location_id, sum(quantity) AS units FROM inventory_stockmovement WHERE id > %s AND id < {_SHIFT} GROUP BY 1, 2) d
     WHERE s.variant_id = d.variant_id AND s.location_id = d.location_id
"""


def _rows_as_text(table: str, changes: dict[str, str], after: int) -> tuple[str, bytes]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
            [table],
        )
        columns = [row[0] for row in cursor.fetchall()]
        chosen = ", ".join(changes.get(column, f'"{column}"').format(d=_SHIFT) for column in columns)
        with cursor.copy(
            f"COPY (SELECT {chosen} FROM {table} WHERE id > {after} AND id < {_SHIFT} ORDER BY id) TO STDOUT"
        ) as copy:
            text = b"".join(bytes(block) for block in copy)
    return ", ".join(f'"{column}"' for column in columns), text


def bench_place(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """One order through the API, from the request's bytes to the answer's."""
    use_database("ingest", lambda: make_shop(now=now))
    secret = create_token(name="bench", role="owner")[1]
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    bodies = [_body(order) for order in orders(size + 5, random.Random(2), now=now)]

    def post(body: str) -> Callable[[], None]:
        def call() -> None:
            response = client.post("/api/v1/orders", body, content_type="application/json")
            if response.status_code != 201:
                raise RuntimeError(response.content.decode())

        return call

    for body in bodies[:5]:
        post(body)()
    before = _last_ids()
    figure = meter.run("place", [post(body) for body in bodies[5:]], note="POST /api/v1/orders, 3 lines, 10 locations")
    return [figure.against(_raw_one_by_one(meter, before))]


def _body(order: NewOrder) -> str:
    return json.dumps(
        {
            "channel": "Web store", "external_id": order.external_id, "placed_at": order.placed_at.isoformat(), "currency": order.currency,
            "customer": {"email": order.email, "name": order.customer_name}, "shipping_address": order.shipping_address.to_json(),
            "lines": [{"sku": line.sku, "quantity": line.quantity, "unit_price": str(line.unit_price)} for line in order.lines], "paid": True,
        }
    )  # fmt: skip


def _raw_one_by_one(meter: Meter, before: dict[str, int]) -> Figure:
    """The rows of each order by one INSERT per table in a transaction of its own."""
    ids = list(Order.objects.filter(pk__gt=before["orders_order"], pk__lt=_SHIFT).values_list("pk", flat=True))
    prepared = {table: _rows_as_text(table, changes, before[table]) for table, changes in _TABLES.items()}
    per_order = {table: (columns, _chunks(text, len(ids))) for table, (columns, text) in prepared.items()}

    def write(n: int) -> Callable[[], None]:
        def call() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                for table, (columns, chunks) in per_order.items():
                    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                        copy.write(chunks[n])

        return call

    raw = meter.run("raw", [write(n) for n in range(len(ids))])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in _TABLES:
            cursor.execute(f"DELETE FROM {table} WHERE id >= {_SHIFT}")
    return raw


def _chunks(text: bytes, parts: int) -> list[bytes]:
    """The rows dealt out in order to `parts` orders."""
    rows = text.splitlines(keepends=True)
    return [b"".join(rows[len(rows) * n // parts : len(rows) * (n + 1) // parts]) for n in range(parts)]
