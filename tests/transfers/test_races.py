"""Two who do the same to a transfer, and a transfer against a buyer: the goods go once, nobody waits for ever."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Sum

from core.refusals import Refusal
from inventory.models import StockLevel
from oms.integrity import check_integrity
from oms.orchestration.place_order import place_order
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant, new_order
from tests.transfers.factory import WHO, counts, make_transfer
from transfers.models import Transfer
from transfers.operations import (
    Arrived,
    NewTransfer,
    count_scanned,
    create_transfer,
    dispatch_transfer,
    make_ready,
    receive_transfer,
)

pytestmark = pytest.mark.usefixtures("committed")


def refusals(results: list[Any]) -> int:
    """How many were refused; anything else that was raised is a fault."""
    assert not [r for r in results if isinstance(r, Exception) and not isinstance(r, Refusal)], results
    return sum(isinstance(r, Refusal) for r in results)


def books_are_right() -> None:
    assert check_integrity()[1] == []


def test_two_dispatch_at_once(threads):
    transfer = make_transfer(state="ready")
    results = threads(4, lambda i: dispatch_transfer(transfer_id=transfer.pk, **WHO))
    assert refusals(results) == 3
    assert counts(transfer.origin) == (5, 0, 0, 0)
    books_are_right()


def test_the_same_receipt_at_once(threads):
    transfer = make_transfer(state="in_transit")
    arrived = [Arrived(transfer.lines.get().pk, 3)]
    results = threads(4, lambda i: receive_transfer(transfer_id=transfer.pk, arrived=arrived, key="same", **WHO))
    assert refusals(results) == 0
    assert counts(transfer.destination) == (3, 0, 0, 2)
    books_are_right()


def test_two_receipts_of_everything_at_once(threads):
    transfer = make_transfer(state="in_transit")
    arrived = [Arrived(transfer.lines.get().pk, 5)]
    results = threads(4, lambda i: receive_transfer(transfer_id=transfer.pk, arrived=arrived, key=f"k{i}", **WHO))
    assert refusals(results) == 3
    assert counts(transfer.destination) == (5, 0, 0, 0)
    books_are_right()


def test_no_scan_is_lost(threads):
    transfer = make_transfer({"A-1": 8}, state="in_transit")
    threads(8, lambda i: count_scanned(transfer_id=transfer.pk, code="A-1"))
    assert transfer.lines.get().counted == 8


def test_the_same_form_at_once_is_one_transfer(threads):
    a, b, variant = make_location(), make_location(), make_variant()
    request = NewTransfer(a.pk, b.pk, ((variant.pk, 1),), key="form:1")
    results = threads(6, lambda i: create_transfer(request, **WHO).pk)
    assert len(set(results)) == 1 == Transfer.objects.count()


def test_a_buyer_and_a_transfer_want_the_last_units(threads):
    """Whoever comes first has them; nothing is promised twice."""
    for _round in range(3):
        origin, destination, variant, channel = make_location(), make_location(), make_variant(), make_channel()
        give_stock(variant, origin, 6)
        transfers = [
            create_transfer(NewTransfer(origin.pk, destination.pk, ((variant.pk, 2),)), **WHO) for _ in range(4)
        ]
        orders = [new_order(channel, [(variant.sku, 2)]) for _ in range(4)]

        def work(i: int, transfers: Any = transfers, orders: Any = orders) -> Any:
            if i % 2:
                return place_order(orders[i // 2], actor=ACTOR, now=NOW)
            return make_ready(transfer_id=transfers[i // 2].pk, **WHO)

        refusals(threads(8, work))
        level = StockLevel.objects.get(variant=variant, location=origin)
        assert (level.on_hand, level.reserved) == (6, 6)
    books_are_right()


def test_transfers_there_and_back_do_not_block_each_other(threads):
    """Opposite directions, the same SKUs: levels are locked in one order, whatever is origin and what destination."""
    a, b = make_location(), make_location()
    variants = [make_variant() for _ in range(4)]
    for variant in variants:
        give_stock(variant, a, 40), give_stock(variant, b, 40)

    def work(i: int) -> None:
        here, there = (a, b) if i % 2 else (b, a)
        lines = tuple((variant.pk, 1 + i % 3) for variant in (variants if i % 4 < 2 else variants[::-1]))
        for n in range(3):
            made = create_transfer(NewTransfer(here.pk, there.pk, lines), **WHO)
            make_ready(transfer_id=made.pk, **WHO)
            dispatch_transfer(transfer_id=made.pk, **WHO)
            arrived = [Arrived(line.pk, line.quantity) for line in made.lines.all()]
            receive_transfer(transfer_id=made.pk, arrived=arrived, key=f"{n}", **WHO)

    assert refusals(threads(8, work)) == 0
    assert StockLevel.objects.aggregate(n=Sum("on_hand"))["n"] == 320
    assert StockLevel.objects.aggregate(n=Sum("incoming"))["n"] == 0
    books_are_right()
