"""Races about shared parcels: one wins, the other is told, and nothing is left half."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from core.actors import Actor
from core.refusals import Refusal
from fulfillment.models import Consolidation, FulfillmentOrder, Shipment
from fulfillment.operations.consolidating import ship_separately, ship_together
from fulfillment.operations.packing import pack_all, pack_scanned
from fulfillment.operations.picking import start_picking
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.splitting import join_work, split_work
from inventory.operations.auditing import audit_stock
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order
from tests.factories.fulfillment import make_work
from tests.factories.shop import NOW, make_channel, make_location

pytestmark = pytest.mark.django_db(transaction=True)
ANNA = Actor("user", "1", "Anna Packer")
Threads = Callable[..., list[Any]]
ROUNDS = 3


def of_one_customer(count: int, skus: tuple[str, ...] = ("A", "B")) -> list[FulfillmentOrder]:
    """Work orders that name the same goods in turning order: locks of stock that cross would deadlock."""
    location, channel = make_location(), make_channel()
    return [
        make_work([(sku, 1) for sku in (skus if n % 2 else skus[::-1])], location=location, channel=channel, email="z@example.com")
        for n in range(count)
    ]  # fmt: skip


def merge(works: list[FulfillmentOrder]) -> Consolidation:
    return ship_together(fulfillment_order_ids=[work.pk for work in works], actor=ANNA, now=NOW)


def attempt(act: Callable[[], Any]) -> str:
    try:
        act()
    except Refusal:
        return "refused"
    return "done"


def sound() -> None:
    assert audit_stock() == []
    _names, findings = check_integrity()
    assert findings == []


def states(works: list[FulfillmentOrder]) -> list[str]:
    return [FulfillmentOrder.objects.values_list("state", flat=True).get(pk=work.pk) for work in works]


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_ship_against_cancel_of_one_member(_round: int, threads: Threads) -> None:
    works = of_one_customer(3)
    merge(works)
    acts = [
        lambda: ship_fulfillment_order(fulfillment_order_id=works[0].pk, actor=ANNA, now=NOW, fast_forward=True),
        lambda: cancel_order(order_id=works[2].order_id, reason="", actor=ANNA, now=NOW),
    ]
    results = threads(2, lambda i: attempt(acts[i]))
    assert results in (["done", "done"], ["done", "refused"])
    assert states(works) == ["shipped", "shipped", "cancelled" if results[1] == "done" else "shipped"]
    sound()


def test_ship_against_hold_of_the_lead(threads: Threads) -> None:
    works = of_one_customer(3)
    merge(works)
    acts = [
        lambda: ship_fulfillment_order(fulfillment_order_id=works[1].pk, actor=ANNA, now=NOW, fast_forward=True),
        lambda: hold_order(order_id=works[0].order_id, kind="fraud", reason="", actor=ANNA, now=NOW),
    ]
    threads(2, lambda i: attempt(acts[i]))
    assert states(works)[0] in ("on_hold", "shipped", "open")
    sound()


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_merge_against_pick(_round: int, threads: Threads) -> None:
    works = of_one_customer(2)
    acts = [
        lambda: merge(works),
        lambda: start_picking(fulfillment_order_id=works[1].pk, actor=ANNA, now=NOW),
    ]
    results = threads(2, lambda i: attempt(acts[i]))
    assert results[1] == "done"
    shared = FulfillmentOrder.objects.get(pk=works[1].pk).consolidation_id is not None
    assert shared == (results[0] == "done")
    sound()


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_merge_against_merge(_round: int, threads: Threads) -> None:
    works = of_one_customer(4)
    acts = [works[:2], works[1:3], works[2:], [works[3], works[0]]]
    results = threads(4, lambda i: attempt(lambda: merge(acts[i])))
    assert "done" in results
    groups = Counter(
        FulfillmentOrder.objects.filter(pk__in=[w.pk for w in works]).values_list("consolidation_id", flat=True)
    )
    assert all(count > 1 for pk, count in groups.items() if pk is not None)
    sound()


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_undo_against_pack(_round: int, threads: Threads) -> None:
    works = of_one_customer(3)
    merge(works)
    acts = [
        lambda: ship_separately(fulfillment_order_id=works[0].pk, actor=ANNA, now=NOW),
        lambda: pack_all(fulfillment_order_id=works[2].pk, actor=ANNA, now=NOW),
    ]
    results = threads(2, lambda i: attempt(acts[i]))
    assert "done" in results
    packed = states(works).count("packed")
    if results[0] == "refused":
        assert packed == 3
    else:
        assert packed == (1 if results[1] == "done" else 0)
    sound()


def test_eight_who_ship_one_parcel(threads: Threads) -> None:
    works = of_one_customer(4)
    merge(works)
    results = threads(
        8,
        lambda i: attempt(
            lambda: ship_fulfillment_order(fulfillment_order_id=works[i % 4].pk, actor=ANNA, now=NOW, fast_forward=True)
        ),
    )
    assert Counter(results) == {"done": 1, "refused": 7}
    assert Shipment.objects.filter(rides_with=None).exclude(state="voided").count() == 1
    assert Shipment.objects.count() == 4
    sound()


def test_two_parcels_of_the_same_goods_ship_at_once(threads: Threads) -> None:
    location, channel = make_location(), make_channel()
    parcels = []
    for n in range(4):
        skus = ["A", "B", "C"][n % 3 :] + ["A", "B", "C"][: n % 3]
        works = [make_work([(sku, 1)], location=location, channel=channel, email=f"z{n}@example.com") for sku in skus]
        merge(works)
        parcels.append(works)
    results = threads(
        4,
        lambda i: attempt(
            lambda: ship_fulfillment_order(
                fulfillment_order_id=parcels[i][0].pk, actor=ANNA, now=NOW, fast_forward=True
            )
        ),
    )
    assert results == ["done"] * 4
    sound()


def test_scans_of_two_packers_into_one_parcel(threads: Threads) -> None:
    works = of_one_customer(2, ("A",))
    merge(works)
    results = threads(
        4, lambda i: attempt(lambda: pack_scanned(fulfillment_order_id=works[i % 2].pk, code="A", actor=ANNA, now=NOW))
    )
    assert Counter(results) == {"done": 2, "refused": 2}
    assert states(works) == ["packed", "packed"]
    sound()


def test_split_against_pick_and_join_against_split(threads: Threads) -> None:
    work = make_work([("A", 4), ("B", 4)])
    line = work.lines.order_by("pk").first()
    own = split_work(fulfillment_order_id=work.pk, units={line.pk: 1}, actor=ANNA, now=NOW)
    acts = [
        lambda: split_work(fulfillment_order_id=work.pk, units={line.pk: 2}, actor=ANNA, now=NOW),
        lambda: join_work(fulfillment_order_id=own.pk, into_id=work.pk, actor=ANNA, now=NOW),
        lambda: start_picking(fulfillment_order_id=work.pk, actor=ANNA, now=NOW),
    ]
    results = threads(3, lambda i: attempt(acts[i]))
    assert results[2] == "done"
    sound()
