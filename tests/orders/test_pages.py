"""The orders list, the page of an order, and what can be done from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import Job, Shop
from core.timeline import record
from inventory.models import StockLevel
from oms.orchestration.hold_order import hold_order
from orders.models import Hold, Order, PaymentRecord, Refund
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
SignIn = Callable[..., Client]
EVIL = '<img src=x onerror=alert(1)>"'


@pytest.fixture(autouse=True)
def forget() -> None:
    cache.clear()


def html(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


def numbers(response: Any) -> list[str]:
    return re.findall(r'<a href="/orders/\d+/"><bdi>([^<]+)</bdi>', html(response))


def queries_of(client: Client, url: str) -> int:
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        html(client.get(url))
    return len(queries)


# ---- the list --------------------------------------------------------------------------------------------------------


def test_the_newest_orders_come_first(client_as: SignIn) -> None:
    for days in (2, 0, 1):
        make_order(number=f"N-{days}", placed_at=NOW - timedelta(days=days))
    assert numbers(client_as("viewer").get("/orders/")) == ["N-0", "N-1", "N-2"]


def test_tabs_keep_what_their_names_say(client_as: SignIn) -> None:
    channel, location, variant = make_channel(), make_location(), make_variant("AB-1")
    give_stock(variant, location, 3)
    make_order(channel, [("AB-1", 1)], number="ready")
    held = make_order(channel, [("AB-1", 1)], number="held")
    hold_order(order_id=held.pk, kind="fraud", actor=ACTOR, now=NOW)
    make_order(channel, [("AB-1", 5)], number="short")
    client = client_as("owner")
    assert set(numbers(client.get("/orders/?tab=ready"))) == {"ready", "short"}, "a part of the short one can be picked"
    assert numbers(client.get("/orders/?tab=on-hold")) == ["held"]
    assert numbers(client.get("/orders/?tab=back-ordered")) == ["short"]
    assert numbers(client.get("/orders/?tab=to-route")) == []
    assert numbers(client.get("/orders/?tab=shipped")) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("payment=paid", {"A"}),
        ("payment=paid&payment=unpaid", {"A", "B"}),
        ("sku=AB-1", {"A"}),
        ("sku=ab-1", set()),
        ("country=DE", {"B"}),
        ("tag=vip", {"A"}),
        ("placed_from=2026-11-20", {"A"}),
        ("placed_to=2026-11-19", {"B"}),
        ("total_from=15", {"B"}),
        ("total_to=15", {"A"}),
        ("fulfillment=unfulfilled", {"A", "B"}),
        ("returning=none", {"A", "B"}),
        ("returning=requested", set()),
    ],
)
def test_each_filter_leaves_its_orders(client_as: SignIn, query: str, found: set[str]) -> None:
    location = make_location()
    for sku in ("AB-1", "CD-2"):
        give_stock(make_variant(sku), location, 9)
    channel = make_channel()
    make_order(channel, [("AB-1", 1)], number="A", tags=("vip",))
    from core.addresses import Address

    make_order(
        channel,
        [("CD-2", 2)],
        number="B",
        paid=False,
        placed_at=NOW - timedelta(days=1),
        shipping_address=Address(name="X", country="DE"),
    )
    assert set(numbers(client_as("owner").get(f"/orders/?{query}"))) == found


def test_days_of_a_filter_are_days_of_the_shop(client_as: SignIn) -> None:
    Shop.objects.create(name="Shop", time_zone="Europe/Warsaw")
    make_order(number="late-evening", placed_at=datetime(2026, 11, 19, 23, 30, tzinfo=UTC))
    client = client_as("owner")
    assert numbers(client.get("/orders/?placed_from=2026-11-20&placed_to=2026-11-20")) == ["late-evening"]
    assert numbers(client.get("/orders/?placed_to=2026-11-19")) == []


@pytest.mark.parametrize("q", ["#10", "kowal", "ZOFIA", "buyer", "cd", "CD-9"])
def test_search_finds_an_order_by_the_beginning_of_its_data(client_as: SignIn, q: str) -> None:
    give_stock(make_variant("CD-9"), make_location(), 3)
    make_order(make_channel(), [("CD-9", 1)], number="#1042")
    assert numbers(client_as("owner").get("/orders/", {"q": q})) == ["#1042"]


@pytest.mark.parametrize(
    ("name", "q"), [("Łukasz Żak", "lukasz zak"), ("İpek Işık", "ipek isik"), ("رضا کریمی", "رضا كريمي")]
)
def test_search_is_tolerant_of_letter_forms(client_as: SignIn, name: str, q: str) -> None:
    make_order(number="X-1", customer_name=name)
    assert numbers(client_as("owner").get("/orders/", {"q": q})) == ["X-1"]


def test_the_list_costs_the_same_for_one_order_and_for_many(client_as: SignIn) -> None:
    client = client_as("owner")
    make_order()
    few = queries_of(client, "/orders/")
    for _n in range(4):
        make_order(tags=("a", "b"))
    assert queries_of(client, "/orders/") == few <= 9


def test_names_full_of_markup_are_text_on_list_and_page(client_as: SignIn) -> None:
    order = make_order(customer_name=EVIL, note=EVIL, tags=(EVIL,), number=EVIL, email="")
    client = client_as("owner")
    for url in ("/orders/", f"/orders/{order.pk}/", f"/orders/{order.pk}/cancel/", f"/search/?q={order.pk}"):
        assert "<img src=x" not in client.get(url, follow=True).content.decode()


# ---- bulk acts -------------------------------------------------------------------------------------------------------


def act(client: Client, action: str, orders: list[Order], **data: Any) -> str:
    data = {"action": action, "id": [order.pk for order in orders], "confirmed": "1", **data}
    return html(client.post("/orders/", data))


def test_a_few_orders_are_held_and_released_at_once(client_as: SignIn) -> None:
    orders = [make_order() for _n in range(3)]
    client = client_as("support")
    act(client, "hold", orders, kind="operator", reason="call first")
    assert Hold.objects.filter(released_at__isnull=True).count() == 3
    assert set(Order.objects.values_list("on_hold", flat=True)) == {True}
    page = act(client, "release", orders)
    assert "On hold" in page
    assert not Hold.objects.filter(released_at__isnull=True).exists()


def test_what_cannot_be_done_is_listed_with_its_reason_and_the_rest_is_done(client_as: SignIn) -> None:
    held, free = make_order(number="H-1"), make_order(number="F-1")
    hold_order(order_id=held.pk, kind="fraud", actor=ACTOR, now=NOW)
    page = act(client_as("owner"), "release", [held, free])
    assert "F-1" in page
    assert "It is not on hold." in page
    assert not Order.objects.get(pk=held.pk).on_hold


def test_many_orders_become_a_job_that_does_each_once(client_as: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.jobs import run_job
    from oms.bulk import running

    monkeypatch.setattr(running, "AT_ONCE", 2)
    orders = [make_order(number=f"J-{n}") for n in range(4)]
    hold_order(order_id=orders[1].pk, kind="operator", actor=ACTOR, now=NOW)
    act(client_as("owner"), "hold", orders, kind="operator", reason="stock-taking")
    job = run_job(Job.objects.get().pk, clock=lambda: NOW)
    assert job is not None
    assert (job.state, job.total, job.done, job.failed) == ("done_with_errors", 4, 3, 1)
    assert job.errors.get().reference == "J-1"
    assert Hold.objects.count() == 4
    assert Hold.objects.exclude(order=orders[1]).values_list("actor", flat=True).distinct().get().startswith("user:")


def test_tags_are_added_and_removed_in_bulk(client_as: SignIn) -> None:
    orders = [make_order(tags=("old",)), make_order()]
    act(client_as("owner"), "tag", orders, add="vip, gift", remove="old")
    assert [sorted(tags) for tags in Order.objects.order_by("pk").values_list("tags", flat=True)] == [
        ["gift", "vip"]
    ] * 2


def test_cancelling_in_bulk_asks_first_and_gives_the_stock_back(client_as: SignIn) -> None:
    order = make_order()
    client = client_as("owner")
    asked = html(client.post("/orders/", {"action": "cancel", "id": [order.pk]}))
    assert "cannot be undone" in asked
    assert Order.objects.get().lifecycle == "open"
    act(client, "cancel", [order], reason="wish")
    assert Order.objects.get().lifecycle == "cancelled"
    assert StockLevel.objects.get().reserved == 0


@pytest.mark.parametrize(
    ("role", "action"), [("viewer", "hold"), ("warehouse", "cancel"), ("finance", "tag"), ("viewer", "print")]
)
def test_a_role_without_the_right_changes_nothing(client_as: SignIn, role: str, action: str) -> None:
    order = make_order()
    response = client_as(role).post(
        "/orders/", {"action": action, "id": [order.pk], "confirmed": "1", "kind": "operator", "add": "x"}
    )
    assert response.status_code == 403
    assert Order.objects.get().version == order.version


# ---- the page of one order -------------------------------------------------------------------------------------------


def test_the_page_says_where_each_unit_is_and_why(client_as: SignIn) -> None:
    variant, location = make_variant("AB-1"), make_location("Warszawa")
    give_stock(variant, location, 2)
    order = make_order(make_channel(), [("AB-1", 5)])
    page = html(client_as("owner").get(f"/orders/{order.pk}/"))
    assert re.search(r"2 ×</bdi>\s*<span class=\"badge badge-accent\">Ready to pick", page)
    assert "at Warszawa" in page
    assert re.search(r"3 ×</bdi>\s*<span class=\"badge badge-bad\">back-ordered: waits for stock", page)
    assert "Warszawa ships what there is in one parcel" in page


def test_the_places_of_a_line_always_add_up_to_what_was_ordered(client_as: SignIn) -> None:
    from fulfillment.models import FulfillmentLine
    from oms.orchestration.cancel_order import cancel_order
    from orders.views.page_data import places_of

    variant, location = make_variant("AB-1"), make_location()
    give_stock(variant, location, 4)
    order = make_order(make_channel(), [("AB-1", 7)])
    line = order.lines.get()
    cancel_order(order_id=order.pk, units={line.pk: 5}, reason="", actor=ACTOR, now=NOW)
    line.refresh_from_db()
    work = FulfillmentLine.objects.filter(order_line=line).select_related("fulfillment_order__location")
    places = places_of(line, work, {})
    assert sum(place.units for place in places) == line.ordered == 7


def test_what_is_not_possible_says_why(client_as: SignIn) -> None:
    order = make_order()
    page = html(client_as("owner").get(f"/orders/{order.pk}/"))
    assert "Nothing is owed." in page
    assert "Every unit has its place." in page
    page = html(client_as("viewer").get(f"/orders/{order.pk}/"))
    assert "Your role does not include this." in page
    assert "Print label and slip" not in page


def test_the_page_costs_the_same_for_a_small_order_and_a_long_one(client_as: SignIn) -> None:
    client = client_as("owner")
    small = make_order()
    hold_order(order_id=small.pk, kind="fraud", actor=ACTOR, now=NOW)
    few = queries_of(client, f"/orders/{small.pk}/")
    location = make_location("Second")
    lines = []
    for n in range(8):
        give_stock(make_variant(f"L-{n}"), location, 9)
        lines.append((f"L-{n}", 2))
    long = make_order(make_channel(), lines)
    for n in range(5):
        record(long.subject, "order.tagged", actor=ACTOR, at=NOW, added=[f"t{n}"])
    hold_order(order_id=long.pk, kind="fraud", actor=ACTOR, now=NOW)
    assert queries_of(client, f"/orders/{long.pk}/") == few <= 16


def test_an_unknown_kind_in_the_history_is_shown_as_it_is(client_as: SignIn) -> None:
    order = make_order()
    record(order.subject, "order.teleported", actor=ACTOR, at=NOW)
    assert "order.teleported" in html(client_as("owner").get(f"/orders/{order.pk}/"))


def test_the_receipt_is_there_for_programs(client_as: SignIn) -> None:
    order = make_order()
    decision = order.routing_decisions.get()
    response = client_as("viewer").get(f"/orders/{order.pk}/receipt/{decision.pk}.json")
    assert response.json()["receipt"]["decided_by"] == "only_candidate"
    other = make_order()
    assert client_as("viewer").get(f"/orders/{other.pk}/receipt/{decision.pk}.json").status_code == 404


def test_an_order_that_is_not_there_is_not_found(client_as: SignIn) -> None:
    assert client_as("owner").get("/orders/999999/").status_code == 404


def test_a_note_full_of_markup_is_text_and_an_empty_one_is_refused(client_as: SignIn) -> None:
    order = make_order()
    client = client_as("warehouse")
    assert client.post(f"/orders/{order.pk}/notes/", {"text": EVIL}).status_code == 302
    assert "<img src=x" not in html(client.get(f"/orders/{order.pk}/"))
    assert "This field is required." in html(client.post(f"/orders/{order.pk}/notes/", {"text": "  "}), 422)
    assert order.notes.count() == 1


def test_a_hold_is_placed_and_released_from_the_page(client_as: SignIn) -> None:
    order = make_order()
    client = client_as("support")
    assert client.post(f"/orders/{order.pk}/hold/", {"kind": "address", "reason": "no house number"}).status_code == 302
    page = html(client.get(f"/orders/{order.pk}/"))
    assert "no house number" in page
    assert "It is on hold for that already." in html(client.post(f"/orders/{order.pk}/hold/", {"kind": "address"}), 422)
    assert client.post(f"/orders/{order.pk}/release/{Hold.objects.get().pk}/").status_code == 302
    assert not Order.objects.get().on_hold


def test_a_payment_sent_twice_is_recorded_once(client_as: SignIn) -> None:
    order = make_order(paid=False)
    client = client_as("finance")
    form = {"key": "k-1", "amount": "10.00", "method": "Bank transfer", "reference": "R-1"}
    for _again in range(2):
        assert client.post(f"/orders/{order.pk}/payments/", form).status_code == 302
    assert PaymentRecord.objects.get().amount == Decimal(10)
    assert Order.objects.get().payment == "paid"


def test_more_than_is_owed_is_refused_at_its_field_and_the_input_stays(client_as: SignIn) -> None:
    order = make_order(paid=False)
    page = html(
        client_as("finance").post(f"/orders/{order.pk}/payments/", {"key": "k", "amount": "11", "method": "Cash"}), 422
    )
    assert "Only €10.00 is owed." in page
    assert 'value="11"' in page
    assert '<option value="Cash" selected>' in page


def test_units_are_refunded_at_what_they_cost(client_as: SignIn) -> None:
    give_stock(make_variant("AB-1"), make_location(), 3)
    order = make_order(make_channel(), [("AB-1", 3)])
    line = order.lines.get()
    form = {"key": "k-1", "reason": "broken", f"line-{line.pk}": "2"}
    for _again in range(2):
        assert client_as("finance").post(f"/orders/{order.pk}/refunds/", form).status_code == 302
    assert Refund.objects.get().amount == Decimal(20)
    line.refresh_from_db()
    assert line.refunded == 2


def test_more_than_was_paid_is_never_refunded(client_as: SignIn) -> None:
    order = make_order()
    page = html(
        client_as("finance").post(f"/orders/{order.pk}/refunds/", {"key": "k", "reason": "x", "amount": "10.01"}), 422
    )
    assert "At most €10.00 can be refunded." in page
    assert not Refund.objects.exists()


def test_units_can_be_routed_again_from_the_page(client_as: SignIn) -> None:
    variant, location = make_variant("AB-1"), make_location()
    order = make_order(make_channel(), [("AB-1", 2)])
    assert Order.objects.get().backordered
    give_stock(variant, location, 2)
    assert client_as("operations").post(f"/orders/{order.pk}/route/").status_code == 302
    assert not Order.objects.get().backordered


# ---- cancelling ------------------------------------------------------------------------------------------------------


def cancel_form(order: Order, units: int, **more: Any) -> dict[str, Any]:
    return {"version": order.version, f"line-{order.lines.get().pk}": units, "reason": "wish", **more}


def test_the_preview_tells_exactly_what_comes_back_and_changes_nothing(client_as: SignIn) -> None:
    variant, location = make_variant("AB-1"), make_location("Warszawa")
    give_stock(variant, location, 2)
    order = make_order(make_channel(), [("AB-1", 5)])
    client = client_as("support")
    page = html(client.post(f"/orders/{order.pk}/cancel/", cancel_form(order, 4, step="preview")))
    assert re.search(r"Warszawa</bdi></dt><dd><bdi class=\"num\">1</bdi> × <bdi>AB-1", page)
    assert re.search(r"Without stock so far</dt><dd><bdi class=\"num\">3<", page)
    assert "€40.00" in page
    assert StockLevel.objects.get().reserved == 2
    assert client.post(f"/orders/{order.pk}/cancel/", cancel_form(order, 4, step="cancel")).status_code == 302
    order.refresh_from_db()
    assert StockLevel.objects.get().reserved == 1
    assert order.cancelled_total == Decimal(40)
    assert order.owed_to_customer == Decimal(40)


def test_an_order_changed_meanwhile_is_not_cancelled_blindly_and_the_input_stays(client_as: SignIn) -> None:
    give_stock(make_variant("AB-1"), make_location(), 5)
    order = make_order(make_channel(), [("AB-1", 5)])
    form = cancel_form(order, 3, step="cancel")
    hold_order(order_id=order.pk, kind="operator", actor=ACTOR, now=NOW)
    client = client_as("owner")
    page = html(client.post(f"/orders/{order.pk}/cancel/", form), 409)
    assert "was changed by somebody else" in page
    assert 'value="wish"' in page
    assert re.search(r'name="line-\d+" value="3"', page)
    assert Order.objects.get().cancelled_total == 0
    order.refresh_from_db()
    assert f'name="version" value="{order.version}"' in page, "sending it again is a decision with open eyes"


@pytest.mark.parametrize("units", ["-1", "6", "x", "99999999999999999999"])
def test_a_wrong_number_of_units_is_refused_at_its_field(client_as: SignIn, units: str) -> None:
    give_stock(make_variant("AB-1"), make_location(), 5)
    order = make_order(make_channel(), [("AB-1", 5)])
    page = html(
        client_as("owner").post(
            f"/orders/{order.pk}/cancel/",
            {**cancel_form(order, 1, step="cancel"), f"line-{order.lines.get().pk}": units},
        ),
        422,
    )
    assert 'class="field-errors"' in page
    assert Order.objects.get().lifecycle == "open"
