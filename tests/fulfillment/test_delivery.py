"""Calendars and lanes as orders meet them: what is promised, what is in danger, what parcels really took."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.refusals import Invalid
from fulfillment.delivery import changing
from fulfillment.delivery.measuring import measure_lanes
from fulfillment.models import (
    CarrierHoliday,
    ClosedDay,
    FulfillmentOrder,
    Lane,
    LanePerformance,
    LocationCalendar,
    Shipment,
)
from fulfillment.operations.risk import sweep_risks
from fulfillment.operations.shipping import ship_fulfillment_order
from orders.models import Order
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
HOW = {"actor": ACTOR, "now": NOW}  # a Friday, ten in the morning UTC
FRIDAY = date(2026, 11, 20)


class Shop:
    """A location with a cut-off, and goods."""

    def __init__(self) -> None:
        self.place = make_location("Main", cutoff=time(14), time_zone="Europe/Warsaw")
        self.channel = make_channel()
        give_stock(make_variant("TEE"), self.place, 100)

    def order(self, *, now: datetime = NOW, **fields) -> Order:
        return make_order(self.channel, [("TEE", 1)], now=now, **fields)

    def lane(self, least: int, most: int, **fields) -> Lane:
        values = {"from_country": "PL", "to_country": "PL", "min_days": least, "max_days": most, **fields}
        return changing.save_lane(lane_id=None, values=values, **HOW)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def days(order: Order) -> tuple[date | None, date | None]:
    return order.expected_from, order.expected_on


class TestPromising:
    def test_without_lanes_as_the_service_usually_does(self, shop) -> None:
        order = shop.order()
        work = FulfillmentOrder.objects.get()
        assert days(order) == (FRIDAY + timedelta(1), FRIDAY + timedelta(2))
        assert (work.expected_from, work.expected_on) == days(order)

    def test_a_lane_counts_from_the_next_order_on(self, shop) -> None:
        shop.order()
        shop.lane(1, 3)
        assert days(shop.order()) == (date(2026, 11, 23), date(2026, 11, 25))
        shop.lane(2, 4, postal_prefix="30")
        assert days(shop.order()) == (date(2026, 11, 24), date(2026, 11, 26))
        shop.lane(1, 1, service="express")
        assert days(shop.order(shipping_method="Express"))[1] == date(2026, 11, 23)
        changing.delete_lanes(lane_ids=Lane.objects.values_list("pk", flat=True), **HOW)
        assert days(shop.order()) == (FRIDAY + timedelta(1), FRIDAY + timedelta(2))

    def test_weekends_closed_days_and_holidays(self, shop) -> None:
        changing.set_working_days(days={shop.place.pk: [0, 1, 2, 3, 4]}, **HOW)
        shop.lane(1, 1)
        changing.add_closed_days(location_id=None, days={date(2026, 11, 23): ""}, **HOW)
        changing.add_carrier_holidays(carrier="", country="PL", days={date(2026, 11, 25): "Day"}, **HOW)
        order = shop.order(now=NOW + timedelta(hours=5))
        assert order.ship_by == datetime(2026, 11, 24, 13, tzinfo=UTC), "Friday's cut-off is over, Monday is closed"
        assert days(order)[1] == date(2026, 11, 26)

    def test_placing_asks_no_more_for_it(self, shop) -> None:
        def statements() -> int:
            with CaptureQueriesContext(connection) as found:
                shop.order()
            return len(found)

        shop.order()
        few = statements()
        shop.lane(1, 2)
        shop.order()  # reads the book anew
        assert statements() == few

    def test_the_parcels_days_are_counted_from_when_it_really_leaves(self, shop) -> None:
        order = shop.order()
        work = FulfillmentOrder.objects.get()
        later = NOW + timedelta(days=4)
        ship_fulfillment_order(fulfillment_order_id=work.pk, fast_forward=True, actor=ACTOR, now=later)
        parcel = Shipment.objects.get()
        assert (parcel.expected_from, parcel.expected_on) == (FRIDAY + timedelta(5), FRIDAY + timedelta(6))
        order.refresh_from_db()
        assert order.expected_on == FRIDAY + timedelta(2), "what was promised stays"


class TestRisk:
    def at_risk(self, order: Order) -> bool:
        return Order.objects.get(pk=order.pk).at_risk

    def test_work_is_in_danger_before_it_is_late(self, shop) -> None:
        order = shop.order()
        due = order.ship_by
        assert sweep_risks(now=due - timedelta(hours=4)) == 0
        assert sweep_risks(now=due - timedelta(hours=2)) == 1 and self.at_risk(order)
        assert sweep_risks(now=due - timedelta(hours=2)) == 0, "once"

    def test_shipped_in_time_it_is_not_any_more(self, shop) -> None:
        order = shop.order()
        sweep_risks(now=order.ship_by - timedelta(hours=1))
        ship_fulfillment_order(
            fulfillment_order_id=FulfillmentOrder.objects.get().pk, fast_forward=True, actor=ACTOR, now=order.ship_by
        )
        assert sweep_risks(now=order.ship_by) == 1 and not self.at_risk(order)

    def test_a_parcel_whose_lane_passes_the_promise(self, shop) -> None:
        order = shop.order()
        late = order.ship_by + timedelta(days=1)
        ship_fulfillment_order(
            fulfillment_order_id=FulfillmentOrder.objects.get().pk, fast_forward=True, actor=ACTOR, now=late
        )
        assert sweep_risks(now=late, order_ids=[order.pk]) == 1 and self.at_risk(order), "a day before the promised one"

    def test_a_parcel_that_does_not_come(self, shop) -> None:
        order = shop.order()
        ship_fulfillment_order(
            fulfillment_order_id=FulfillmentOrder.objects.get().pk, fast_forward=True, actor=ACTOR, now=NOW
        )
        assert sweep_risks(now=NOW + timedelta(days=2)) == 0
        assert sweep_risks(now=NOW + timedelta(days=3)) == 1 and self.at_risk(order)
        Shipment.objects.update(state="delivered", delivered_at=NOW + timedelta(days=3))
        assert sweep_risks(now=NOW + timedelta(days=3)) == 1 and not self.at_risk(order)

    def test_a_later_hand_over_that_keeps_the_promise_is_no_danger(self, shop) -> None:
        """Packed on Friday or on Saturday: the carrier comes on Monday either way."""
        changing.set_carrier_days(days={"builtin": ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])}, **HOW)
        order = shop.order(now=NOW + timedelta(hours=5))  # due on Saturday
        assert order.ship_by == datetime(2026, 11, 21, 13, tzinfo=UTC)
        assert sweep_risks(now=order.ship_by) == 0
        assert sweep_risks(now=order.ship_by + timedelta(days=2)) == 1

    def test_of_two_only_the_asked_one_changes(self, shop) -> None:
        first, second = shop.order(), shop.order()
        assert sweep_risks(now=NOW + timedelta(days=9), order_ids=[first.pk]) == 1
        assert (self.at_risk(first), self.at_risk(second)) == (True, False)

    def test_the_tab_and_the_home_page_show_it(self, shop, client_as) -> None:
        order = shop.order()
        sweep_risks(now=order.ship_by)
        client = client_as("support")
        assert order.number in client.get(f"{reverse('orders')}?tab=at-risk").content.decode()
        assert "may miss the promised day" in client.get(reverse("home")).content.decode()


class TestMeasured:
    def test_half_and_nine_of_ten_in_working_days(self, shop) -> None:
        order = shop.order()
        work = FulfillmentOrder.objects.get()
        ship_fulfillment_order(fulfillment_order_id=work.pk, fast_forward=True, actor=ACTOR, now=NOW)
        model = Shipment.objects.get()
        friday = datetime(2026, 11, 6, 12, tzinfo=UTC)
        Shipment.objects.update(handed_over_at=friday, delivered_at=friday + timedelta(days=3), state="delivered")
        for n, took in enumerate((3, 3, 4, 5, 6, 7, 10, 11, 12)):  # Monday … Wednesday a week later
            Shipment.objects.create(
                order=order, reference=f"m-{n}", carrier=model.carrier, service=model.service, state="delivered",
                ship_from=model.ship_from, ship_to=model.ship_to, created_at=friday, handed_over_at=friday,
                delivered_at=friday + timedelta(days=took),
            )  # fmt: skip
        assert measure_lanes(now=NOW) == 4
        assert measure_lanes(now=NOW) == 4, "counted anew"
        row = LanePerformance.objects.get(carrier="", service="")
        assert (row.parcels, row.half, row.nine_tenths) == (10, 3, 7)

    def test_it_stands_beside_the_lane(self, shop, client_as) -> None:
        lane = shop.lane(1, 2)
        LanePerformance.objects.create(
            from_country="PL", to_country="PL", parcels=77, half=3, nine_tenths=9, counted_at=NOW
        )
        page = client_as("viewer").get(reverse("delivery-lanes")).content.decode()
        assert "PL → PL" in page and ">77<" in page and str(lane.max_days) in page


class TestPages:
    def test_a_lane_is_written_changed_and_taken_away(self, shop, client_as) -> None:
        client = client_as("operations")
        form = {
            "from_country": "PL",
            "to_country": "DE",
            "carrier": "",
            "service": "",
            "postal_prefix": "10",
            "min_days": 2,
            "max_days": 3,
        }
        assert client.post(reverse("delivery-lane-new"), form).status_code == 302
        lane = Lane.objects.get()
        assert client.post(reverse("delivery-lane-new"), form).status_code == 422, "there is such a lane"
        assert client.post(reverse("delivery-lane", args=[lane.pk]), form | {"max_days": 1}).status_code == 422
        assert client.post(reverse("delivery-lane", args=[lane.pk]), form | {"max_days": 5}).status_code == 302
        assert Lane.objects.get().max_days == 5
        assert client.post(reverse("delivery-lane", args=[lane.pk]), {"action": "delete"}).status_code == 302
        assert not Lane.objects.exists()

    def test_a_file_of_lanes(self, shop, client_as) -> None:
        text = "from_country;to_country;min_days;max_days;postal_prefix\npl;DE;1;2;\nPL;XX;1;2;\nPL;GB;3;4;BT 1\nPL;GB;3;;\n"
        answer = client_as("owner").post(
            reverse("delivery-lanes-import"), {"file": SimpleUploadedFile("lanes.csv", text.encode())}
        )
        page = answer.content.decode()
        assert answer.status_code == 422 and "Line 3:" in page and "Line 5:" in page
        assert set(Lane.objects.values_list("to_country", "postal_prefix")) == {("DE", ""), ("GB", "BT1")}
        with pytest.raises(Invalid):
            changing.import_lanes(data=b"\xff\xfe nothing", **HOW)
        again = changing.import_lanes(data=b"from_country,to_country,min_days,max_days\nPL,DE,4,6\n", **HOW)
        assert again.saved == 1 and Lane.objects.get(to_country="DE").max_days == 6

    def test_calendars(self, shop, client_as) -> None:
        client, url = client_as("operations"), reverse("delivery-calendars")
        assert client.get(url).status_code == 200
        assert client.post(url, {"section": "locations", f"days-{shop.place.pk}": ["0", "1"]}).status_code == 302
        assert LocationCalendar.objects.get().working_days == [0, 1]
        assert client.post(url, {"section": "locations"}).status_code == 422, "it must work on some day"
        days = {"section": "closed", "closed-location": "", "closed-days": "2030-12-25 Christmas\n2030-12-26"}
        assert client.post(url, days).status_code == 302
        assert client.post(url, days | {"closed-days": "Christmas"}).status_code == 422
        assert ClosedDay.objects.count() == 2
        holiday = {
            "section": "holiday",
            "holiday-carrier": "builtin",
            "holiday-country": "PL",
            "holiday-days": "2030-11-11",
        }
        assert client.post(url, holiday).status_code == 302
        found = CarrierHoliday.objects.get()
        page = client.get(url).content.decode()
        assert "Christmas" in page and "Days on which nobody packs: 2030-12-25" in page
        assert client.post(url, {"section": "remove", "day": f"holiday-{found.pk}"}).status_code == 302
        assert client.post(url, {"section": "remove", "day": f"holiday-{found.pk}"}).status_code == 302, "twice is once"
        assert not CarrierHoliday.objects.exists()
        assert (
            client.post(
                url, {"section": "carriers", "pickup-builtin": ["0"], "delivery-builtin": ["0", "5"]}
            ).status_code
            == 302
        )

    def test_rights(self, shop, client_as) -> None:
        viewer = client_as("viewer")
        assert viewer.get(reverse("delivery-calendars")).status_code == 200
        assert viewer.post(reverse("delivery-calendars"), {"section": "locations"}).status_code == 403
        assert viewer.get(reverse("delivery-lane-new")).status_code == 403

    def test_a_fixed_number_of_statements(self, shop, client_as) -> None:
        client = client_as("owner")

        def statements(url: str) -> int:
            client.get(url)
            with CaptureQueriesContext(connection) as found:
                client.get(url)
            return len(found)

        shop.lane(1, 2)
        changing.add_closed_days(location_id=shop.place.pk, days={date(2030, 1, 1): ""}, **HOW)
        urls = [reverse("delivery-lanes"), reverse("delivery-calendars")]
        few = [statements(url) for url in urls]
        for n in range(4):
            shop.lane(1, 2, postal_prefix=str(n))
            changing.add_closed_days(location_id=shop.place.pk, days={date(2030, 1, 2 + n): ""}, **HOW)
        assert [statements(url) for url in urls] == few
