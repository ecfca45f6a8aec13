"""Contention: many buyers at once for few units, and how long until all have their answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, connections, transaction
from django.db.models import Sum

from core.addresses import Address
from inventory.models import Location, Product, Variant
from inventory.operations import Move, apply_moves
from oms.bench.data import ACTOR, make_shop, use_database
from oms.bench.measuring import Figure, Meter
from oms.orchestration.place_order import place_order
from oms.orchestration.requests import NewLine, NewOrder
from orders.models import Channel, OrderLine


def bench_contention(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """The races of `docs/performance.md`: each figure's note says what was sold."""
    use_database("contention", lambda: make_shop(variants=10, now=now))
    return [
        _race(meter, "contention: 50 buyers for 20 units", buyers=50, skus=1, stock={0: 20}, now=now),
        _race(meter, "contention: 40 orders of two SKUs in opposite order", buyers=40, skus=2, stock={0: 40}, now=now),
        _race(
            meter,
            "contention: 120 buyers for 10 units at each of 10 locations",
            buyers=120,
            skus=1,
            stock=dict.fromkeys(range(10), 10),
            now=now,
        ),
    ]


def _race(meter: Meter, name: str, *, buyers: int, skus: int, stock: dict[int, int], now: datetime) -> Figure:
    stamp = time.time_ns()
    product = Product.objects.create(handle=f"race-{stamp}", title="Race")
    variants = [
        Variant.objects.create(product=product, sku=f"R{stamp}-{n}", title="Race", price=1) for n in range(skus)
    ]
    places = list(Location.objects.order_by("pk"))
    moves = [Move(v.pk, places[n].pk, "on_hand", units, "received") for v in variants for n, units in stock.items()]
    with transaction.atomic():
        apply_moves(moves, cause="bench:race", actor=ACTOR, now=now, announce=False)
    channel = Channel.objects.order_by("pk")[0].pk
    requests = [_request(channel, f"{stamp}-{i}", variants if i % 2 else variants[::-1], now) for i in range(buyers)]
    errors: list[Any] = []
    figure = meter.run(
        name,
        [lambda: _together(buyers, lambda i: place_order(requests[i], actor=ACTOR, now=now), errors)],
        per_call=buyers,
    )
    sold = OrderLine.objects.filter(variant__in=variants).aggregate(a=Sum("allocated"), b=Sum("backordered"))
    wall = (figure.wall_p50_ms or 0) * buyers / 1000
    figure.note = (
        f"{sold['a']} units sold, {sold['b']} back-ordered, {len(errors)} errors, all answered in {wall:.2f} s"
    )
    return figure


def _request(channel: int, external_id: str, variants: list[Variant], now: datetime) -> NewOrder:
    return NewOrder(
        channel_id=channel, external_id=external_id, placed_at=now, currency="EUR", email=f"{external_id}@example.com",
        lines=tuple(NewLine(v.sku, 1, Decimal(1)) for v in variants), shipping_address=Address("Buyer", country="PL"),
    )  # fmt: skip


def _together(count: int, work: Callable[[int], Any], errors: list[Any]) -> None:
    barrier = threading.Barrier(count)

    def body(i: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            work(i)
        except Exception as error:  # noqa: BLE001 - counted in the figure's note
            errors.append(error)
            barrier.abort()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=body, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
