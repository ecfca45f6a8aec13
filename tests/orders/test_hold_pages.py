"""Holds on screen: placing them on lines, the list of all that are open, and what is done there with many at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import User
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order
from orders.models import Hold
from tests.factories.fulfillment import make_work
from tests.factories.shop import ACTOR, NOW, make_order

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]


def html(response: object) -> str:
    return response.content.decode()


def act(client: Client, action: str, holds: list[Hold], **data: object) -> str:
    return html(client.post("/holds/", {"action": action, "id": [h.pk for h in holds], "confirmed": "1", **data}))


def test_some_lines_are_held_from_the_orders_page(client_as: SignIn) -> None:
    order = make_work([("A-1", 2), ("B-1", 1)]).order
    client = client_as("support")
    line = order.lines.get(sku="A-1")
    form = html(client.get(f"/orders/{order.pk}/hold/"))
    assert "2 × A-1" in form and "1 × B-1" in form
    anna = User.objects.create_user("anna", first_name="Anna", last_name="Nowak")
    answer = client.post(
        f"/orders/{order.pk}/hold/",
        {"kind": "customer", "reason": "Another colour?", "lines": [line.pk], "owner": anna.pk},
        follow=True,
    )
    placed = Hold.objects.get()
    assert (placed.whole, placed.owner, list(placed.lines.values_list("line", flat=True))) == (False, anna, [line.pk])
    page = html(answer)
    assert "Another colour?" in page and "Anna Nowak sees to it" in page and "Lines put on hold (A-1)" in page
    assert client.post(f"/orders/{order.pk}/hold/", {"kind": "customer", "lines": [line.pk]}).status_code == 422
    assert client.post(f"/orders/{order.pk}/hold/", {"kind": "customer", "lines": ["999999"]}).status_code == 422
    client.post(f"/orders/{order.pk}/release/{placed.pk}/")
    order.refresh_from_db()
    assert not order.on_hold


def test_the_list_says_why_who_since_when_and_until_when(client_as: SignIn) -> None:
    order = make_work([("A-1", 2), ("B-1", 1)], number="L-1").order
    hold_order(
        order_id=order.pk, kind="customer", reason="Another colour?", lines=[order.lines.get(sku="A-1").pk],
        until=NOW + timedelta(days=400), actor=ACTOR, now=NOW,
    )  # fmt: skip
    gone = make_order(number="L-2")
    hold_order(order_id=gone.pk, kind="fraud", actor=ACTOR, now=NOW)
    cancel_order(order_id=gone.pk, reason="", actor=ACTOR, now=NOW)
    page = html(client_as("viewer").get("/holds/"))
    assert "L-1" in page and "Another colour?" in page and "A-1" in page and "B-1" not in page
    assert "L-2" not in page  # cancelled: nothing waits
    assert "L-1" not in html(client_as("viewer").get("/holds/?tab=fraud"))
    assert "L-1" in html(client_as("viewer").get("/holds/?tab=nobody&lines=yes&kind=customer&q=L-1"))
    assert "L-1" not in html(client_as("viewer").get("/holds/?lines=no"))


def test_the_list_costs_the_same_for_many_holds(client_as: SignIn) -> None:
    client = client_as("owner")

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/holds/").status_code == 200
        return len(seen)

    for _n in range(2):
        hold_order(order_id=make_order().pk, kind="fraud", actor=ACTOR, now=NOW)
    client.get("/holds/")
    few = queries()
    for _n in range(4):
        order = make_order()
        hold_order(order_id=order.pk, kind="fraud", lines=[order.lines.get().pk], actor=ACTOR, now=NOW)
    assert queries() == few <= 9


def test_many_are_released_and_what_cannot_be_is_told(client_as: SignIn) -> None:
    held = [
        hold_order(order_id=make_order(number=f"R-{n}").pk, kind="operator", actor=ACTOR, now=NOW) for n in range(3)
    ]
    page = act(client_as("support"), "release", held)
    assert not Hold.objects.filter(released_at__isnull=True).exists()
    assert "R-0" not in html(client_as("support").get("/holds/"))
    assert page


def test_many_are_given_to_a_person(client_as: SignIn) -> None:
    held = [hold_order(order_id=make_order().pk, kind="operator", actor=ACTOR, now=NOW) for _n in range(2)]
    anna = User.objects.create_user("anna")
    act(client_as("support"), "assign", held, owner=anna.pk)
    assert set(Hold.objects.values_list("owner", flat=True)) == {anna.pk}
    act(client_as("support"), "assign", held)
    assert set(Hold.objects.values_list("owner", flat=True)) == {None}


def test_who_may_only_look_changes_nothing(client_as: SignIn) -> None:
    held = hold_order(order_id=make_order().pk, kind="operator", actor=ACTOR, now=NOW)
    client = client_as("viewer")
    answer = client.post("/holds/", {"action": "release", "id": [held.pk], "confirmed": "1"})
    assert answer.status_code == 403
    held.refresh_from_db()
    assert held.released_at is None


def test_the_orders_list_releases_by_kind(client_as: SignIn) -> None:
    both, other = make_order(), make_order(number="O-1")
    for order, kind in ((both, "fraud"), (both, "address"), (other, "address")):
        hold_order(order_id=order.pk, kind=kind, actor=ACTOR, now=NOW)
    data = {"action": "release", "id": [both.pk, other.pk], "confirmed": "1", "kinds": ["fraud"]}
    page = html(client_as("support").post("/orders/", data))
    assert "O-1" in page and "It is not on hold for that." in page
    assert sorted(Hold.objects.filter(released_at__isnull=True).values_list("kind", flat=True)) == [
        "address",
        "address",
    ]
