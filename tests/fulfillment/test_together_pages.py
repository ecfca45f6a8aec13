"""Merging and splitting on screen: suggestions, the packer's page, papers, the customer's page, one order's return; and over the API."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pikepdf
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.jobs import run_job
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.models import Consolidation, Document, FulfillmentOrder, Shipment, ShipTogether
from fulfillment.operations.consolidating import ship_together
from fulfillment.operations.printing import start_print_job
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.tracking import record_tracking
from fulfillment.queries import pick_list_for, slips_for, with_lines
from oms.orchestration.hold_order import hold_order
from orders.models import Order, OrderLine
from returns.queries.returnable import ReturnWindow, returnable_lines
from tests.factories.bundles import make_bundle
from tests.factories.fulfillment import make_work
from tests.factories.returns import ask, make_shop
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
As = Callable[[str], Client]
ANNA = Actor("user", "1", "Anna Packer")


def of_one_customer(count: int = 2, email: str = "zofia@example.com", **fields: Any) -> list[FulfillmentOrder]:
    channel = make_channel()
    return [make_work([(f"S{n}", 2)], channel=channel, email=email, **fields) for n in range(count)]


def merge(works: list[FulfillmentOrder]) -> Consolidation:
    return ship_together(fulfillment_order_ids=[work.pk for work in works], actor=ANNA, now=timezone.now())


def text(response: Any) -> str:
    return response.content.decode()


def test_what_could_travel_together_is_listed_and_merged_in_bulk(client_as: As) -> None:
    first, second = of_one_customer(2), of_one_customer(3, "jan@example.com")
    make_work(email="alone@example.com")
    rows = {row.id: row for row in ShipTogether.objects.all()}
    assert {pk: (row.parcels, row.saved) for pk, row in rows.items()} == {first[0].pk: (2, 1), second[0].pk: (3, 2)}
    client = client_as("warehouse")
    page = text(client.get(reverse("ship-together")))
    assert all(work.order.number in page for work in (*first, *second))
    assert "Ship together" in text(client.get(reverse("fulfillment")))
    data = {"action": "together", "id": [str(pk) for pk in rows], "confirmed": "1"}
    client.post(reverse("ship-together"), data)
    assert Consolidation.objects.count() == 2
    assert not ShipTogether.objects.exists()


def test_what_is_held_begun_or_elsewhere_is_not_suggested(client_as: As, now: datetime) -> None:
    held, other = of_one_customer(2)
    hold_order(order_id=held.order_id, kind="fraud", reason="", actor=ANNA, now=now)
    assert not ShipTogether.objects.exists()
    page = text(client_as("warehouse").get(reverse("fulfillment-merge", args=[other.pk])))
    assert "Cannot travel with it" in page
    assert "It is “On hold”." in page


def test_the_page_of_suggestions_asks_the_same_for_one_as_for_many(client_as: As) -> None:
    client, counts = client_as("owner"), []
    for n, groups in enumerate((1, 3)):
        for group in range(groups):
            of_one_customer(2, f"c{n}-{group}@example.com")
        client.get(reverse("ship-together"))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("ship-together"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_work_elsewhere_says_so(client_as: As) -> None:
    here = of_one_customer(1)[0]
    here.location.__class__.objects.filter(pk=here.location_id).update(active=False)
    there = make_work(location=make_location("Gdańsk"), email="zofia@example.com")
    page = text(client_as("warehouse").get(reverse("fulfillment-merge", args=[here.pk])))
    assert there.number in page
    assert "It lies at another location: Gdańsk." in page


def test_merged_and_taken_apart_on_the_work_orders_page(client_as: As) -> None:
    works, client = of_one_customer(3), client_as("warehouse")
    page = text(
        client.post(reverse("fulfillment-merge", args=[works[1].pk]), {"id": [w.pk for w in works]}, follow=True)
    )
    assert "One parcel with others" in page
    assert all(work.number in page for work in works)
    url = reverse("fulfillment-unmerge", args=[works[1].pk])
    client.post(url, {"only": "1", "reason": "Wants it apart"})
    assert FulfillmentOrder.objects.filter(consolidation__isnull=False).count() == 2
    page = text(client.get(reverse("order", args=[works[1].order_id])))
    assert "travels by itself again. Wants it apart" in page
    client.post(reverse("fulfillment-unmerge", args=[works[0].pk]), {})
    assert not FulfillmentOrder.objects.filter(consolidation__isnull=False).exists()


def test_a_packer_packs_all_orders_at_the_lead_and_ships_with_its_number(client_as: As) -> None:
    works, client = of_one_customer(2), client_as("warehouse")
    merge(works)
    there = client.get(reverse("pack", args=[works[1].pk]))
    assert there.url == reverse("pack", args=[works[0].pk])
    page = text(client.get(there.url))
    assert "One parcel for several orders" in page
    for work in works:
        assert work.order.number in page
        assert work.lines.get().order_line.sku in page
    for sku in ("S0", "S1", "S1", "S0"):
        answer = text(client.post(there.url, {"code": sku}, follow=True))
    assert "The parcel is packed." in answer
    shipped = text(client.post(there.url, {"code": works[1].number}, follow=True))
    assert f"{works[0].number}, {works[1].number} is shipped" in shipped
    assert set(FulfillmentOrder.objects.values_list("state", flat=True)) == {"shipped"}
    paper = client.get(reverse("fulfillment-paper", args=[works[1].pk, "label_and_slip"]))
    with pikepdf.open(io.BytesIO(paper.content)) as pdf:
        assert len(pdf.pages) == 3


def test_the_station_lists_a_shared_parcel_once(client_as: As) -> None:
    works = of_one_customer(2)
    merge(works)
    page = text(client_as("warehouse").get(reverse("pack-station")))
    assert works[0].number in page
    assert works[1].number not in page


def test_the_pick_page_says_whose_tote(client_as: As) -> None:
    works = of_one_customer(2)
    merge(works)
    page = text(client_as("warehouse").get(reverse("pick", args=[works[1].pk])))
    assert f"into the tote of <bdi>{works[0].number}</bdi>" in page


def test_papers_of_a_parcel_lie_together_and_the_label_is_printed_once(now: datetime) -> None:
    works, alone = of_one_customer(3), make_work()
    merge(works)
    job = start_print_job(
        fulfillment_order_ids=[alone.pk, works[2].pk, works[0].pk], kinds=["label_pdf", "slip_4x6"], actor=ANNA, now=now
    )
    done = run_job(job.pk, clock=timezone.now)
    assert done is not None
    assert (done.state, done.errors.count()) == ("done", 0)
    with pikepdf.open(io.BytesIO(bytes(done.output.data))) as pdf:
        assert len(pdf.pages) == (1 + 3) + (1 + 1)
    assert Document.objects.filter(kind="label_pdf").count() == 2
    before = Document.objects.count()
    again = start_print_job(fulfillment_order_ids=[works[1].pk], kinds=["label_pdf", "slip_4x6"], actor=ANNA, now=now)
    run_job(again.pk, clock=timezone.now)
    assert (Document.objects.count(), Shipment.objects.count()) == (before, 2)
    slips = slips_for(with_lines(work.pk for work in works))
    assert slips[works[0].pk].together == (works[1].order.number, works[2].order.number)
    listed = pick_list_for(with_lines(work.pk for work in works), number="PL", language="en", now=now)
    assert {(line.fulfillment_order, line.tote) for line in listed.lines} == {
        (works[0].number, ""), (works[1].number, works[0].number), (works[2].number, works[0].number),
    }  # fmt: skip


def test_the_slip_names_the_other_orders(client_as: As) -> None:
    works = of_one_customer(2)
    merge(works)
    page = text(client_as("warehouse").get(reverse("fulfillment-slip", args=[works[0].pk])))
    assert "In the same parcel: order" in page
    assert works[1].order.number in page


def test_each_customer_page_shows_the_parcel_and_one_order_is_returned(now: datetime) -> None:
    works = of_one_customer(2)
    merge(works)
    shipped = ship_fulfillment_order(fulfillment_order_id=works[0].pk, actor=ANNA, now=now, fast_forward=True)
    report = TrackingUpdate("delivered", now + timedelta(days=1), "Left with a neighbour", "Kraków")
    record_tracking(shipment_id=shipped.shipment_id, updates=[report], actor=ANNA, now=now)
    for work, other in (works, reversed(works)):
        page = text(Client().get(reverse("tracking", args=[work.order.token])))
        assert shipped.tracking_numbers[0] in page
        assert "Left with a neighbour" in page
        assert other.order.number in page
    make_shop()
    orders = [Order.objects.get(pk=work.order_id) for work in works]
    ask(orders[0], now=now + timedelta(days=2))
    window = ReturnWindow(30, UTC, auto_approve=True)
    assert returnable_lines(orders[0], window=window, now=now + timedelta(days=2)) == []
    (left,) = returnable_lines(orders[1], window=window, now=now + timedelta(days=2))
    assert left.quantity == 2
    assert [order.return_requested for order in _lines(orders)] == [2, 0]


def _lines(orders: list[Order]) -> list[OrderLine]:
    return [order.lines.get() for order in orders]


def test_the_order_page_offers_both_and_costs_no_more(client_as: As) -> None:
    works, client = of_one_customer(2), client_as("owner")
    page = text(client.get(reverse("order", args=[works[0].order_id])))
    assert reverse("order-merge", args=[works[0].order_id]) in page
    assert client.get(reverse("order-split", args=[works[0].order_id])).url == reverse(
        "fulfillment-split", args=[works[0].pk]
    )


def test_the_order_page_names_the_other_orders_of_its_parcel(client_as: As) -> None:
    works = of_one_customer(2)
    client = client_as("owner")
    assert "One parcel with others" not in text(client.get(reverse("order", args=[works[0].order_id])))
    merge(works)
    page = text(client.get(reverse("order", args=[works[0].order_id])))
    assert "One parcel with others" in page
    assert reverse("fulfillment-order", args=[works[1].pk]) in page


@pytest.mark.parametrize("name", ["pack", "pick", "fulfillment-order"])
def test_pages_of_a_shared_parcel_ask_the_same_for_two_orders_as_for_five(name: str, client_as: As) -> None:
    client, counts = client_as("warehouse"), []
    for n in (2, 5):
        works = of_one_customer(n, f"c{n}@example.com")
        merge(works)
        url = reverse(name, args=[works[0].pk])
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_line_is_split_on_screen(client_as: As) -> None:
    work, client = make_work([("A", 3), ("B", 1)]), client_as("operations")
    line = work.lines.order_by("pk").first()
    there = make_location("Łódź")
    give_stock(line.order_line.variant, there, 5)
    url = reverse("fulfillment-split", args=[work.pk])
    page = text(client.get(url))
    assert "Łódź (A: 5)" in page
    refused = text(client.post(url, {f"line-{line.pk}": "4"}))
    assert "less than or equal to 3" in refused
    day = (timezone.now() + timedelta(days=3)).date().isoformat()
    data = {f"line-{line.pk}": "2", "location": str(there.pk), "not_before": day, "reason": "Nearer", "version": "1"}
    done = text(client.post(url, data, follow=True))
    assert f"F{work.order_id}-2 was made" in done
    own = FulfillmentOrder.objects.get(number=f"F{work.order_id}-2")
    assert (own.location_id, own.state, own.units) == (there.pk, "scheduled", 2)
    back = text(client.post(reverse("fulfillment-join", args=[own.pk]), {"into": work.pk}, follow=True))
    assert f"is part of {work.number} again" in back


def test_a_packer_splits_but_does_not_route(client_as: As) -> None:
    work, client = make_work([("A", 3)]), client_as("warehouse")
    line, there = work.lines.get(), make_location()
    give_stock(line.order_line.variant, there, 5)
    page = text(client.get(reverse("fulfillment-split", args=[work.pk])))
    assert there.name not in page
    client.post(reverse("fulfillment-split", args=[work.pk]), {f"line-{line.pk}": "1", "location": str(there.pk)})
    assert set(FulfillmentOrder.objects.values_list("location_id", flat=True)) == {work.location_id}


def test_bundles_stay_whole(client_as: As) -> None:
    cup, plate, place, channel = make_variant("CUP"), make_variant("PLATE"), make_location(), make_channel()
    for variant in (cup, plate):
        give_stock(variant, place, 20)
    make_bundle("SET", {cup: 2, plate: 1})
    order = make_order(channel, [("SET", 3)])
    work = FulfillmentOrder.objects.get(order=order)
    lines = {line.order_line.sku: line for line in work.lines.select_related("order_line")}
    api = {"lines": [{"sku": "CUP", "quantity": 2}]}
    answer = post_api(f"/api/v1/fulfillment-orders/{work.pk}/split", api)
    assert (answer.status_code, answer.json()["code"]) == (409, "bundle_in_part")
    assert "2 × CUP, 1 × PLATE" in answer.json()["detail"]
    client = client_as("warehouse")
    url = reverse("fulfillment-split", args=[work.pk])
    first = min(lines.values(), key=lambda line: line.order_line.position)
    client.post(url, {f"line-{first.pk}": "1"})
    own = FulfillmentOrder.objects.exclude(pk=work.pk).get()
    assert dict(own.lines.values_list("order_line__sku", "quantity")) == {"CUP": 2, "PLATE": 1}


def post_api(url: str, body: Any, role: str = "operations") -> Any:
    from api.tokens import create_token

    _token, secret = create_token(name=f"{role} {url}", role=role)
    return Client().post(url, body, content_type="application/json", headers={"Authorization": f"Bearer {secret}"})


def test_merge_undo_and_split_over_the_api() -> None:
    works = of_one_customer(2)
    base = "/api/v1/fulfillment-orders"
    merged = post_api(f"{base}/{works[1].pk}/merge", {"with_ids": [works[0].pk]})
    assert [(one["number"], one["lead"]) for one in merged.json()["members"]] == [
        (works[0].number, True), (works[1].number, False),
    ]  # fmt: skip
    assert post_api(f"{base}/{works[1].pk}/merge", {"with_ids": [works[0].pk]}).json()["code"] == "together_already"
    refused = post_api(f"{base}/{works[0].pk}/split", {"lines": [{"sku": "S0", "quantity": 1}]})
    assert refused.json()["code"] == "together"
    assert post_api(f"{base}/{works[0].pk}/unmerge", {"reason": "no"}).json()["numbers"] == [w.number for w in works]
    own = post_api(f"{base}/{works[0].pk}/split", {"lines": [{"sku": "S0", "quantity": 1}]}).json()
    assert (own["state"], own["units"]) == ("open", 1)
    back = post_api(f"{base}/{own['id']}/join", {"into": works[0].pk}).json()
    assert (back["id"], back["units"]) == (works[0].pk, 2)
    too_many = post_api(f"{base}/{works[0].pk}/split", {"lines": [{"sku": "S0", "quantity": 9}]})
    assert too_many.status_code == 422
    assert post_api(f"{base}/999999/unmerge", {}).status_code == 404
    assert post_api(f"{base}/{works[0].pk}/merge", {"with_ids": [works[1].pk]}, "support").status_code == 403


def test_the_demo_shows_a_shared_parcel_suggestions_and_split_work(now: datetime) -> None:
    from oms.demo.parcels import seed_parcels

    place, _channel = make_location(), make_channel(hold_unpaid=True)
    for _n in range(2):
        give_stock(make_variant(), place, 60)
    for _time in range(2):
        seed_parcels(now=now)
    assert Order.objects.count() == 7
    assert FulfillmentOrder.objects.filter(consolidation__isnull=False).count() == 3
    assert FulfillmentOrder.objects.filter(state="scheduled").count() == 1
    assert ShipTogether.objects.count() == 2
