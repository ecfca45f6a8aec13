"""Orders that travel as one parcel: merged, undone, packed, labelled, shipped, followed; each order keeps its own facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from core.actors import Actor
from core.models import OutgoingMail, TimelineEntry
from core.refusals import Invalid, Refusal, Stale
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.events import FulfillmentShipped
from fulfillment.handlers import tell_customer_shipped
from fulfillment.models import Consolidation, FulfillmentOrder, Package, Shipment, TrackingEvent
from fulfillment.operations.consolidating import ship_separately, ship_together
from fulfillment.operations.labels import buy_label, buy_labels
from fulfillment.operations.packing import empty_parcel, pack_all, pack_scanned
from fulfillment.operations.picking import start_picking
from fulfillment.operations.shipping import ship_fulfillment_order, ship_many
from fulfillment.operations.shortages import report_missing
from fulfillment.operations.tracking import ask_carriers, record_tracking
from inventory.models import StockLevel
from inventory.operations.auditing import audit_stock
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order, release_holds
from orders.models import Order
from tests.factories.fulfillment import make_work
from tests.factories.shop import make_channel, make_location

pytestmark = pytest.mark.django_db
ANNA = Actor("user", "1", "Anna Packer")


def works_of_one_customer(count: int = 3, **fields: Any) -> list[FulfillmentOrder]:
    """Work orders of as many orders of one customer, at one location."""
    location, channel = make_location(), make_channel()
    each = {"email": "zofia@example.com"} | fields
    return [make_work([("", 2), ("", 1)], location=location, channel=channel, **each) for _n in range(count)]


def merge(works: list[FulfillmentOrder], now: datetime) -> Consolidation:
    return ship_together(fulfillment_order_ids=[work.pk for work in works], actor=ANNA, now=now)


def fresh(work: FulfillmentOrder) -> FulfillmentOrder:
    return FulfillmentOrder.objects.select_related("order", "consolidation").get(pk=work.pk)


def sound() -> None:
    assert audit_stock() == []
    _names, findings = check_integrity()
    assert findings == []


def test_one_parcel_with_one_label_ships_each_order_by_itself(now: datetime) -> None:
    works = works_of_one_customer()
    merged = merge(works, now)
    assert merged.lead_id == works[0].pk
    shipped = ship_fulfillment_order(fulfillment_order_id=works[2].pk, actor=ANNA, now=now, fast_forward=True)
    assert shipped.together == tuple(work.number for work in works)
    assert {fresh(work).state for work in works} == {"shipped"}
    shipments = list(Shipment.objects.order_by("fulfillment_order_id"))
    lead, *riders = shipments
    assert [one.rides_with_id for one in shipments] == [None, lead.pk, lead.pk]
    assert lead.cost is not None
    assert [one.cost for one in riders] == [None, None]
    assert {one.packages.get().tracking_number for one in shipments} == set(shipped.tracking_numbers)
    assert sum(package.weight_grams for package in Package.objects.all()) == 3 * 3 * 400
    for work in works:
        order = Order.objects.get(pk=work.order_id)
        assert (order.lifecycle, order.fulfillment, order.parcels) == ("completed", "fulfilled", 1)
        assert shipped.tracking_numbers[0].lower() in order.search_text
        tell_customer_shipped(FulfillmentShipped(work.pk), actor=ANNA, now=now)
    assert OutgoingMail.objects.filter(dedupe_key__startswith="shipped:").count() == 3
    assert set(StockLevel.objects.values_list("reserved", flat=True)) == {0}
    sound()


def test_what_the_carrier_reports_is_true_for_each_order(now: datetime) -> None:
    works = works_of_one_customer()
    merge(works, now)
    ship_fulfillment_order(fulfillment_order_id=works[0].pk, actor=ANNA, now=now, fast_forward=True)
    rider = Shipment.objects.get(fulfillment_order=works[1])
    for code in ("out_for_delivery", "out_for_delivery", "delivered"):
        record_tracking(shipment_id=rider.pk, updates=[TrackingUpdate(code, now, code, "Kraków")], actor=ANNA, now=now)
    assert set(Shipment.objects.values_list("state", "delivered_at")) == {("delivered", now)}
    assert TrackingEvent.objects.count() == 6
    assert {fresh(work).state for work in works} == {"delivered"}
    assert set(Order.objects.values_list("delivery", flat=True)) == {"delivered"}
    sound()


def test_the_carrier_is_asked_about_a_shared_parcel_once(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    from fulfillment.carriers.builtin import BuiltinCarrier

    asked: list[str] = []
    monkeypatch.setattr(BuiltinCarrier, "track", lambda _self, numbers: asked.extend(numbers) or {})
    merge(works := works_of_one_customer(), now)
    shipped = ship_fulfillment_order(fulfillment_order_id=works[0].pk, actor=ANNA, now=now, fast_forward=True)
    ask_carriers(actor=ANNA, now=now)
    assert asked == list(shipped.tracking_numbers)


def test_reports_before_the_hand_over_reach_every_order_with_it(now: datetime) -> None:
    works = works_of_one_customer(2)
    merge(works, now)
    label = buy_label(fulfillment_order_id=works[1].pk, actor=ANNA, now=now)
    assert label.fulfillment_order_id == works[0].pk
    record_tracking(shipment_id=label.pk, updates=[TrackingUpdate("out_for_delivery", now)], actor=ANNA, now=now)
    ship_fulfillment_order(fulfillment_order_id=works[0].pk, actor=ANNA, now=now, fast_forward=True)
    assert set(Shipment.objects.values_list("state", flat=True)) == {"out_for_delivery"}
    sound()


def test_one_label_is_bought_for_all_with_the_weight_of_all(now: datetime) -> None:
    works = works_of_one_customer()
    merge(works, now)
    outcomes = buy_labels(fulfillment_order_ids=[work.pk for work in reversed(works)], actor=ANNA, now=now)
    assert len({outcome.shipment.pk for outcome in outcomes.values() if outcome.shipment}) == 1
    assert Shipment.objects.get().label["weight_grams"] == 3 * 3 * 400
    assert all(fresh(work).has_label for work in works)
    sound()


def test_labels_bought_before_are_given_back(now: datetime) -> None:
    works = works_of_one_customer(2)
    for work in works:
        buy_label(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    merge(works, now)
    assert list(Shipment.objects.values_list("state", flat=True)) == ["voided", "voided"]
    assert not any(fresh(work).has_label for work in works)
    ship_many(fulfillment_order_ids=[work.pk for work in works], actor=ANNA, now=now)
    assert Shipment.objects.filter(state="in_transit").count() == 2
    sound()


@pytest.mark.parametrize(
    ("differs", "code"),
    [
        ({"email": "other@example.com"}, "other_customer"),
        ({"shipping_method": "Express"}, "other_service"),
        ({"address": "ul. Krótka 52"}, "other_address"),
        ({"elsewhere": True}, "other_location"),
    ],
)
def test_what_does_not_go_together_is_said(differs: dict[str, Any], code: str, now: datetime) -> None:
    from core.addresses import Address

    (first,) = works_of_one_customer(1)
    fields: dict[str, Any] = {"email": "ZOFIA@example.com", "location": first.location} | differs
    if line1 := fields.pop("address", None):
        fields["shipping_address"] = Address(
            name="Zofia Kowalska", line1=line1, city="Kraków", postal_code="30-001", country="PL"
        )
    if fields.pop("elsewhere", None):
        from inventory.models import Location

        here = Location.objects.filter(pk=first.location_id)
        here.update(active=False)
        fields["location"] = make_location()
    other = make_work(**fields)
    with pytest.raises(Refusal) as refused:
        merge([first, other], now)
    assert refused.value.code == code
    assert first.number in refused.value.message
    assert not Consolidation.objects.exists()


def test_the_same_address_in_other_words(now: datetime) -> None:
    from core.addresses import Address

    (first,) = works_of_one_customer(1)
    same = Address(
        name="ZOFIA  Kowalska", line1="Ul. Dluga", line2="5", city="Krakow", postal_code="30 001", country="PL"
    )
    other = make_work(location=first.location, email="zofia@example.com", shipping_address=same)
    assert merge([first, other], now).lead_id == first.pk


def test_begun_held_and_single_work_is_refused(now: datetime) -> None:
    works = works_of_one_customer()
    with pytest.raises(Invalid, match="at least two"):
        merge(works[:1], now)
    start_picking(fulfillment_order_id=works[0].pk, actor=ANNA, now=now)
    with pytest.raises(Stale, match="Anna Packer is picking it"):
        merge(works[:2], now)
    hold_order(order_id=works[1].order_id, kind="fraud", reason="", actor=ANNA, now=now)
    with pytest.raises(Refusal, match="On hold"):
        merge(works[1:], now)


def test_a_third_order_joins_a_parcel(now: datetime) -> None:
    works = works_of_one_customer()
    first = merge(works[:2], now)
    second = merge(works[1:], now)
    assert {fresh(work).consolidation_id for work in works} == {second.pk}
    first.refresh_from_db()
    assert first.undone_at == now
    with pytest.raises(Refusal, match="one parcel already"):
        merge(works[:2], now)


def test_a_cancelled_and_a_held_member_stay_behind_and_the_rest_goes_on(now: datetime) -> None:
    works = works_of_one_customer(4)
    merge(works, now)
    cancel_order(order_id=works[0].order_id, reason="", actor=ANNA, now=now)
    hold_order(order_id=works[1].order_id, kind="address", reason="House?", actor=ANNA, now=now)
    outcome = ship_many(fulfillment_order_ids=[work.pk for work in works], actor=ANNA, now=now)
    assert sorted(outcome.done) == [works[2].number, works[3].number]
    assert [fresh(work).state for work in works] == ["cancelled", "on_hold", "shipped", "shipped"]
    assert fresh(works[1]).consolidation is None
    entry = TimelineEntry.objects.get(kind="fulfillment.left_parcel")
    assert entry.data["why"] == "On hold: Address problem (House?)."
    assert Shipment.objects.get(fulfillment_order=works[3]).rides_with.fulfillment_order_id == works[2].pk
    release_holds(order_id=works[1].order_id, actor=ANNA, now=now)
    ship_fulfillment_order(fulfillment_order_id=works[1].pk, actor=ANNA, now=now, fast_forward=True)
    sound()


def test_the_last_one_left_goes_by_itself(now: datetime) -> None:
    works = works_of_one_customer(2)
    merged = merge(works, now)
    hold_order(order_id=works[0].order_id, kind="fraud", reason="", actor=ANNA, now=now)
    pack_all(fulfillment_order_id=works[1].pk, actor=ANNA, now=now)
    assert fresh(works[1]).consolidation is None
    merged.refresh_from_db()
    assert merged.undone_at == now
    ship_fulfillment_order(fulfillment_order_id=works[1].pk, actor=ANNA, now=now, fast_forward=True)
    sound()


def test_a_packer_at_the_lead_is_told_that_it_stays_behind(now: datetime) -> None:
    works = works_of_one_customer()
    merge(works, now)
    hold_order(order_id=works[0].order_id, kind="fraud", reason="", actor=ANNA, now=now)
    with pytest.raises(Stale, match=f"goes on as {works[1].number}, {works[2].number}"):
        pack_all(fulfillment_order_id=works[0].pk, actor=ANNA, now=now)
    assert [fresh(work).consolidation_id is None for work in works] == [True, False, False]
    assert fresh(works[1]).consolidation.lead_id == works[1].pk
    sound()


def test_units_of_all_orders_are_scanned_into_one_parcel(now: datetime) -> None:
    works = works_of_one_customer(2)
    merge(works, now)
    codes = [line.order_line.sku for work in works for line in work.lines.order_by("pk") for _n in range(line.quantity)]
    for n, code in enumerate(codes):
        counted = pack_scanned(fulfillment_order_id=works[0].pk, code=code, actor=ANNA, now=now)
        assert counted.finished == (n == len(codes) - 1)
        assert ({fresh(work).state for work in works} == {"packed"}) == counted.finished
    with pytest.raises(Refusal, match="Anna Packer packed it"):
        pack_scanned(fulfillment_order_id=works[1].pk, code=codes[0], actor=ANNA, now=now)
    sound()


def test_undone_until_it_is_packed(now: datetime) -> None:
    works = works_of_one_customer()
    merge(works, now)
    buy_label(fulfillment_order_id=works[0].pk, actor=ANNA, now=now)
    sku = works[1].lines.first().order_line.sku
    pack_scanned(fulfillment_order_id=works[0].pk, code=sku, actor=ANNA, now=now)
    numbers = ship_separately(fulfillment_order_id=works[2].pk, reason="Too heavy", actor=ANNA, now=now)
    assert sorted(numbers) == sorted(work.number for work in works)
    assert [fresh(work).consolidation for work in works] == [None, None, None]
    assert Shipment.objects.get().state == "voided"
    assert not any(fresh(work).has_label for work in works)
    assert sum(line.packed for line in works[1].lines.all()) == 0
    assert Consolidation.objects.values_list("undone_at", "reason").get() == (now, "Too heavy")
    sound()
    with pytest.raises(Refusal, match="travels by itself"):
        ship_separately(fulfillment_order_id=works[0].pk, actor=ANNA, now=now)


def test_a_packed_parcel_is_not_undone(now: datetime) -> None:
    works = works_of_one_customer(2)
    merge(works, now)
    pack_all(fulfillment_order_id=works[0].pk, actor=ANNA, now=now)
    with pytest.raises(Stale, match="Anna Packer packed it"):
        ship_separately(fulfillment_order_id=works[1].pk, actor=ANNA, now=now)
    hold_order(order_id=works[1].order_id, kind="fraud", reason="", actor=ANNA, now=now)
    buy_label(fulfillment_order_id=works[0].pk, actor=ANNA, now=now)
    with pytest.raises(Refusal, match=f"{works[1].number}: On hold"):
        ship_fulfillment_order(fulfillment_order_id=works[0].pk, actor=ANNA, now=now)
    assert {fresh(work).state for work in works} == {"packed"}
    sound()


def test_one_order_is_taken_out_and_the_others_stay_together(now: datetime) -> None:
    works = works_of_one_customer()
    merge(works, now)
    assert ship_separately(fulfillment_order_id=works[0].pk, only=True, actor=ANNA, now=now) == [works[0].number]
    assert [fresh(work).consolidation_id is None for work in works] == [True, False, False]
    assert fresh(works[1]).consolidation.lead_id == works[1].pk
    sound()


def test_a_short_member_goes_on_with_what_is_left_and_an_empty_one_drops_out(now: datetime) -> None:
    works = works_of_one_customer()
    merge(works, now)
    for work, lines in ((works[0], 2), (works[1], 1)):
        start_picking(fulfillment_order_id=work.pk, actor=ANNA, now=now)
        for line in list(work.lines.order_by("pk"))[:lines]:
            report_missing(fulfillment_order_id=work.pk, line_id=line.pk, units=line.quantity, actor=ANNA, now=now)
    assert fresh(works[0]).state == "incomplete"
    shipped = ship_fulfillment_order(fulfillment_order_id=works[1].pk, actor=ANNA, now=now, fast_forward=True)
    assert shipped.together == (works[1].number, works[2].number)
    assert Shipment.objects.get(rides_with=None).label["weight_grams"] == (1 + 3) * 400
    sound()


def test_an_address_changed_after_the_merge_stays_behind(now: datetime) -> None:
    works = works_of_one_customer()
    merge(works, now)
    Order.objects.filter(pk=works[2].order_id).update(
        shipping_address={"name": "Zofia", "line1": "Nowa 1", "country": "PL"}
    )
    shipped = ship_fulfillment_order(fulfillment_order_id=works[0].pk, actor=ANNA, now=now, fast_forward=True)
    assert shipped.together == (works[0].number, works[1].number)
    assert fresh(works[2]).state == "open"
    sound()


def test_an_emptied_parcel_is_counted_again_for_all(now: datetime) -> None:
    works = works_of_one_customer(2)
    merge(works, now)
    for work in works:
        sku = work.lines.first().order_line.sku
        pack_scanned(fulfillment_order_id=works[0].pk, code=sku, actor=ANNA, now=now)
    empty_parcel(fulfillment_order_id=works[1].pk, actor=ANNA, now=now)
    assert sum(line.packed for work in works for line in work.lines.all()) == 0
    sound()
