"""The pages of locations."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from core.models import Place
from inventory.models import Location, LocationDay
from orders.models import Order
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
VALUES = {
    "name": "Rzeszów hub", "code": "rze", "kind": "warehouse", "time_zone": "Europe/Warsaw", "ships_online": "on", "accepts_returns": "on",
    "line1": "Rynek 1", "city": "Rzeszów", "postal_code": "35-064", "country": "PL", "ships_to": "PL, de", "daily_capacity": "40",
    "cutoff": "14:30", "handling_days": "2", "rank": "5",
}  # fmt: skip


def text_of(response) -> str:
    return response.content.decode()


def test_a_location_is_written_down_and_found_on_the_map(client_as):
    Place.objects.create(country="PL", key="rzeszow", latitude=50.04, longitude=22.0)
    channel = make_channel(name="Allegro")
    client = client_as("operations")
    answer = client.post(reverse("location-new"), VALUES | {"channel_ids": [channel.pk]})
    found = Location.objects.get()
    assert answer.url == reverse("location", args=[found.pk])
    assert (found.code, found.country, found.latitude, found.ships_to, found.channel_ids, str(found.cutoff)) == (
        "RZE",
        "PL",
        50.04,
        ["DE", "PL"],
        [channel.pk],
        "14:30:00",
    )
    assert found.postal_address.name == "Rzeszów hub"
    page = text_of(client.get(answer.url))
    for words in ("Rynek 1", "Germany", "Poland", "Allegro", "14:30", "Europe/Warsaw", "50.04", "2 days", "Added."):
        assert words in page
    assert "<bdi>RZE</bdi>" in text_of(client.get(reverse("locations")))


def test_a_place_that_is_not_on_the_map_is_told(client_as):
    page = client_as("operations").post(reverse("location-new"), VALUES | {"city": "Nowhere at all"}, follow=True)
    assert "Its place is not known" in text_of(page)
    assert "routing cannot tell what is near" in text_of(page)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "Taken"),
        ("code", "TK"),
        ("code", "?"),
        ("kind", "moon"),
        ("time_zone", "Mars/Olympus"),
        ("ships_to", "PL, QQ"),
        ("latitude", "x"),
        ("longitude", "1"),
        ("postal_code", "12"),
        ("country", "QQ"),
        ("channel_ids", "999999"),
        ("daily_capacity", "-1"),
        ("cutoff", "25:00"),
        ("rank", "99999"),
    ],
)
def test_a_wrong_location_form_names_its_field_and_keeps_what_was_written(client_as, field, value):
    make_location("Taken", code="TK")
    answer = client_as("operations").post(
        reverse("location-new"),
        VALUES | {"latitude": "5" if field == "longitude" else "", field: "" if field == "longitude" else value},
    )
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert "Rynek 1" in text_of(answer)
    assert Location.objects.count() == 1


def test_a_form_sent_twice_adds_one_location_and_changes_once(client_as):
    client = client_as("operations")
    for _n in range(2):
        client.post(reverse("location-new"), VALUES)
    found = Location.objects.get()
    for _n in range(2):
        client.post(reverse("location-edit", args=[found.pk]), VALUES | {"rank": "6", "active": "on"})
    assert text_of(client.get(reverse("location", args=[found.pk]))).count("<ins><bdi>6</bdi></ins>") == 1


def test_switching_off_a_location_in_use_says_what_is_there_and_asks(client_as):
    location = make_location("Busy", code="BSY")
    give_stock(make_variant("MUG"), location, 5)
    make_order(lines=[("MUG", 2)])
    client = client_as("operations")
    url = reverse("location-edit", args=[location.pk])
    values = VALUES | {"name": "Busy", "code": "BSY"}
    asked = client.post(url, values)
    assert asked.status_code == 409
    page = text_of(asked)
    for words in (
        "Units at Busy: 5 on hand, 2 of them reserved",
        "1 work order is open there",
        'name="confirmed" value="yes"',
        "Rynek 1",
    ):
        assert words in page
    assert Location.objects.get().active
    assert client.post(url, values | {"confirmed": "yes"}).status_code == 302
    assert not Location.objects.get().active
    assert Order.objects.get().lines.get().allocated == 2


def test_an_empty_location_is_switched_off_at_once(client_as):
    location = make_location("Idle")
    client_as("operations").post(reverse("location-edit", args=[location.pk]), VALUES | {"name": "Idle"})
    assert not Location.objects.get().active


def test_the_day_of_a_location_is_counted_by_its_own_clock(client_as, monkeypatch):
    location = make_location(time_zone="Pacific/Kiritimati", daily_capacity=9)  # UTC+14: often a day ahead
    far = make_location(time_zone="Pacific/Pago_Pago", daily_capacity=8)
    from zoneinfo import ZoneInfo

    for place, taken in ((location, 4), (far, 3)):
        today = timezone.now().astimezone(ZoneInfo(place.time_zone)).date()
        LocationDay.objects.create(location=place, day=today, assigned=taken)
    client = client_as("viewer")
    page = text_of(client.get(reverse("locations")))
    assert "4 / 9" in page and "3 / 8" in page
    assert client.get(reverse("location", args=[location.pk])).context["taken"] == 4


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ({}, {"Łódź", "Shop"}),
        ({"q": "shop"}, {"Shop"}),
        ({"q": "LDZ"}, {"Łódź"}),
        ({"kind": "store"}, {"Shop"}),
        ({"offers_pickup": "yes"}, {"Shop"}),
        ({"tab": "off"}, {"Old"}),
        ({"tab": "all", "sort": "rank"}, {"Łódź", "Shop", "Old"}),
    ],
)
def test_locations_are_found_and_filtered(client_as, words, shown):
    make_location("Łódź", code="LDZ")
    make_location("Shop", kind="store", offers_pickup=True)
    make_location("Old", active=False)
    page = text_of(client_as("viewer").get(reverse("locations"), words))
    assert {name for name in ("Łódź", "Shop", "Old") if f"<bdi>{name}</bdi></a>" in page} == shown
