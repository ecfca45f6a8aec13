"""Work orders split by hand, put together again, opened on their day."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.actors import Actor
from core.models import TimelineEntry
from core.refusals import Invalid, Refusal, Stale
from fulfillment.models import FulfillmentOrder, Shipment
from fulfillment.operations.labels import buy_label
from fulfillment.operations.picking import start_picking
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.splitting import join_work, open_due, split_work
from inventory.models import Reservation, StockLevel
from inventory.operations import NotEnoughStock
from inventory.operations.auditing import audit_stock
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order, release_holds
from orders.models import Order
from tests.factories.fulfillment import make_work
from tests.factories.shop import give_stock, make_location

pytestmark = pytest.mark.django_db
ANNA = Actor("user", "1", "Anna Packer")


def sound() -> None:
    assert audit_stock() == []
    _names, findings = check_integrity()
    assert findings == []


def split(work: FulfillmentOrder, units: dict[str, int], now: datetime, **more: object) -> FulfillmentOrder:
    """Units by SKU."""
    ids = {line.order_line.sku: line.pk for line in work.lines.select_related("order_line")}
    chosen = {ids[sku]: n for sku, n in units.items()}
    return split_work(fulfillment_order_id=work.pk, units=chosen, actor=ANNA, now=now, **more)  # type: ignore[arg-type]


def contents(work: FulfillmentOrder) -> dict[str, int]:
    rows = work.lines.filter(quantity__gt=0).values_list("order_line__sku", "quantity")
    return dict(rows)


def test_units_become_a_work_order_of_their_own(now: datetime) -> None:
    work = make_work([("A", 3), ("B", 2)])
    own = split(work, {"A": 1, "B": 2}, now, reason="B is wanted first.")
    assert own.number == f"F{work.order_id}-2"
    assert (contents(work), contents(own)) == ({"A": 2}, {"A": 1, "B": 2})
    own.refresh_from_db()
    assert (own.state, own.units, own.location_id, own.ship_by) == ("open", 3, work.location_id, work.ship_by)
    entry = TimelineEntry.objects.get(kind="fulfillment.split")
    assert (entry.actor_label, entry.data["reason"], entry.data["into"]) == (
        "Anna Packer",
        "B is wanted first.",
        own.number,
    )
    sound()
    for one in (work, own):
        ship_fulfillment_order(fulfillment_order_id=one.pk, actor=ANNA, now=now, fast_forward=True)
    order = Order.objects.get(pk=work.order_id)
    assert (order.lifecycle, order.parcels) == ("completed", 2)
    sound()


def test_another_location_promises_the_stock(now: datetime) -> None:
    work = make_work([("A", 3)])
    variant = work.lines.get().order_line.variant
    there = make_location()
    give_stock(variant, there, 2, bin="Z-9")
    with pytest.raises(NotEnoughStock, match="only 2 can be promised"):
        split(work, {"A": 3}, now, location_id=there.pk)
    own = split(work, {"A": 2}, now, location_id=there.pk)
    assert (own.location_id, own.first_bin) == (there.pk, "Z-9")
    reserved = dict(StockLevel.objects.values_list("location_id", "reserved"))
    assert reserved == {work.location_id: 1, there.pk: 2}
    assert set(Reservation.objects.values_list("location_id", "quantity")) == {(work.location_id, 1), (there.pk, 2)}
    sound()
    back = join_work(fulfillment_order_id=own.pk, into_id=work.pk, reason="A mistake.", actor=ANNA, now=now)
    assert contents(back) == {"A": 3}
    own.refresh_from_db()
    assert (own.state, own.units) == ("cancelled", 0)
    assert dict(StockLevel.objects.values_list("location_id", "reserved")) == {work.location_id: 3, there.pk: 0}
    sound()


def test_all_of_it_moves_only_to_another_location(now: datetime) -> None:
    work = make_work([("A", 2)])
    with pytest.raises(Invalid, match="Leave at least one unit"):
        split(work, {"A": 2}, now)
    there = make_location(ships_to=["DE"])
    give_stock(work.lines.get().order_line.variant, there, 5)
    with pytest.raises(Refusal, match="does not ship to PL"):
        split(work, {"A": 2}, now, location_id=there.pk)
    type(there).objects.filter(pk=there.pk).update(ships_to=[])
    own = split(work, {"A": 2}, now, location_id=there.pk)
    work.refresh_from_db()
    assert (work.state, contents(own)) == ("cancelled", {"A": 2})
    sound()


def test_a_day_to_wait_for(now: datetime) -> None:
    work = make_work([("A", 2), ("B", 1)])
    day = now + timedelta(days=7)
    with pytest.raises(Invalid, match="passed already"):
        split(work, {"B": 1}, now, scheduled_for=now)
    own = split(work, {"B": 1}, now, scheduled_for=day)
    assert (own.state, own.scheduled_for, own.ship_by >= day) == ("scheduled", day, True)
    with pytest.raises(Refusal, match="Not possible while it is “Scheduled”"):
        start_picking(fulfillment_order_id=own.pk, actor=ANNA, now=now)
    hold_order(order_id=work.order_id, kind="fraud", reason="", actor=ANNA, now=now)
    release_holds(order_id=work.order_id, actor=ANNA, now=now)
    own.refresh_from_db()
    assert own.state == "scheduled"
    assert open_due(actor=ANNA, now=day - timedelta(seconds=1)) == 0
    assert open_due(actor=ANNA, now=day) == 1
    own.refresh_from_db()
    assert (own.state, own.scheduled_for) == ("open", None)
    sound()


def test_begun_work_is_not_split_and_a_label_is_given_back(now: datetime) -> None:
    work = make_work([("A", 2), ("B", 1)])
    buy_label(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    split(work, {"B": 1}, now)
    work.refresh_from_db()
    assert (Shipment.objects.get().state, work.has_label) == ("voided", False)
    start_picking(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    with pytest.raises(Stale, match="Anna Packer is picking it"):
        split(work, {"A": 1}, now)
    with pytest.raises(Stale):
        join_work(fulfillment_order_id=FulfillmentOrder.objects.latest("pk").pk, into_id=work.pk, actor=ANNA, now=now)


@pytest.mark.parametrize("units", [0, 3])
def test_as_many_units_as_there_are(units: int, now: datetime) -> None:
    work = make_work([("A", 2), ("B", 1)])
    with pytest.raises(Invalid):
        split(work, {"A": units}, now)


def test_an_old_page_does_not_split(now: datetime) -> None:
    work = make_work([("A", 2), ("B", 1)])
    split(work, {"A": 1}, now, expected_version=work.version)
    with pytest.raises(Stale):
        split(work, {"A": 1}, now, expected_version=work.version)


def test_split_work_is_cancelled_with_its_order(now: datetime) -> None:
    work = make_work([("A", 3), ("B", 2)])
    split(work, {"A": 1}, now, scheduled_for=now + timedelta(days=3))
    cancel_order(order_id=work.order_id, reason="", actor=ANNA, now=now)
    assert set(FulfillmentOrder.objects.values_list("state", flat=True)) == {"cancelled"}
    assert set(StockLevel.objects.values_list("reserved", flat=True)) == {0}
    sound()
