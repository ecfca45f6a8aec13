"""The page on which an order is changed: edited in place, previewed, submitted; and what the order's page shows of it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from oms.integrity import check_integrity
from orders.models import ChangeOrder, Order
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(db) -> Order:
    """Three of A-1, paid; B-1 is there to be added."""
    place = make_location("Warsaw")
    give_stock(make_variant("A-1", title="Lamp"), place, 9)
    give_stock(make_variant("B-1", title="Bulb", price=Decimal("7.50")), place, 9)
    return make_order(make_channel(name="Web"), [("A-1", 3)])


def shown(client: Any, order: Order) -> dict[str, str]:
    """The page's form as a browser would send it untouched."""
    return fields_of(client.get(f"/orders/{order.pk}/change/").content.decode())


def fields_of(html: str) -> dict[str, str]:
    form = html[html.index('id="change-form"') :]
    data = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and 'type="checkbox"' not in tag:
            data[name[1]] = value[1] if value else ""
    for name, body in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        data[name] = chosen[1] if chosen else ""
    return data


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_preview_shows_what_it_does_and_changes_nothing(order, client_as):
    client, line = client_as("support"), order.lines.get()
    data = shown(client, order) | {
        f"units-{line.pk}": "2",
        "add-0-sku": "B-1",
        "add-0-quantity": "2",
        "step": "preview",
    }
    answer = client.post(f"/orders/{order.pk}/change/", data)
    text = text_of(answer)
    assert answer.status_code == 200, text
    assert "To be paid in all €30.00 €35.00" in text and "Owed by the customer €0.00 €5.00" in text
    assert f"F{order.pk}-2" in text and "+2 · Warsaw" in text and "-1 · Warsaw" in text
    order.refresh_from_db()
    assert (order.version, order.lines.count(), ChangeOrder.objects.count()) == (1, 1, 0)


def test_submit_does_what_was_shown_once(order, client_as):
    client, line = client_as("support"), order.lines.get()
    url = f"/orders/{order.pk}/change/"
    data = shown(client, order) | {f"units-{line.pk}": "2", "reason": "phone", "step": "preview"}
    previewed = fields_of(client.post(url, data).content.decode())
    assert previewed["digest"] and previewed["reason"] == "phone"
    for _n in range(2):
        answer = client.post(url, previewed | {"step": "submit"})
        assert answer.status_code == 302
    change = ChangeOrder.objects.get()
    assert (change.reason, change.total_before, change.total_after, change.position) == ("phone", 30, 20, 1)
    order.refresh_from_db()
    assert order.owed_to_customer == 10 and check_integrity()[1] == []
    page = text_of(client.get(f"/orders/{order.pk}/"))
    assert (
        "Changes Change 1 · €30.00 → €20.00" in page
        and "Changed (1): quantities. Total €30.00, now €20.00. “phone”" in page
    )


def test_a_cheaper_order_leads_on_to_the_refund_with_its_amount(order, client_as):
    client, line = client_as("owner"), order.lines.get()
    url = f"/orders/{order.pk}/change/"
    data = shown(client, order) | {f"price-{line.pk}": "8.50", "step": "preview"}
    answer = client.post(url, fields_of(client.post(url, data).content.decode()) | {"step": "submit"}, follow=True)
    assert answer.redirect_chain[-1][0] == f"/orders/{order.pk}/refunds/"
    assert 'value="4.50"' in answer.content.decode()


def test_submitting_without_having_seen_shows_it_first(order, client_as):
    client, line = client_as("support"), order.lines.get()
    data = shown(client, order) | {f"units-{line.pk}": "1", "step": "submit"}
    answer = client.post(f"/orders/{order.pk}/change/", data)
    assert answer.status_code == 200 and "What it does" in text_of(answer) and not ChangeOrder.objects.exists()


def test_other_input_than_was_shown_is_shown_anew(order, client_as):
    client, line = client_as("support"), order.lines.get()
    url = f"/orders/{order.pk}/change/"
    previewed = fields_of(
        client.post(url, shown(client, order) | {f"units-{line.pk}": "2", "step": "preview"}).content.decode()
    )
    answer = client.post(url, previewed | {f"units-{line.pk}": "1", "step": "submit"})
    assert answer.status_code == 409 and "To be paid in all €30.00 €10.00" in text_of(answer)
    assert not ChangeOrder.objects.exists()


def test_what_somebody_else_changed_meanwhile_keeps_what_this_person_put_in(order, client_as):
    client, line = client_as("support"), order.lines.get()
    url = f"/orders/{order.pk}/change/"
    mine = shown(client, order) | {"add-0-sku": "B-1", "step": "preview"}
    theirs = fields_of(
        client.post(url, shown(client, order) | {f"units-{line.pk}": "1", "step": "preview"}).content.decode()
    )
    client.post(url, theirs | {"step": "submit"})
    answer = client.post(url, mine)
    text = text_of(answer)
    assert answer.status_code == 409 and "was changed by somebody else" in text
    assert "To be paid in all €10.00 €17.50" in text  # one of A-1 stays as the other person left it
    again = fields_of(answer.content.decode())
    assert again["version"] == str(Order.objects.get().version) and again[f"units-{line.pk}"] == "1"
    assert client.post(url, again | {"step": "submit"}).status_code == 302


def test_what_cannot_be_done_says_why_at_its_field(order, client_as):
    client, line = client_as("support"), order.lines.get()
    url = f"/orders/{order.pk}/change/"
    for field, value, words in (
        (f"units-{line.pk}", "0", "Cancel the order instead"),
        (f"price-{line.pk}", "-1", "greater than or equal to 0"),
        (f"discount-{line.pk}", "31", "larger than the line"),
        (f"swap-{line.pk}", "NO-SUCH", "There is no SKU “NO-SUCH”"),
        ("add-0-sku", "NO-SUCH", "There is no SKU “NO-SUCH”"),
        ("discount_amount", "99", "worth €30.00 together"),
        ("ship-postal_code", "1" * 30, "at most 20"),
    ):
        answer = client.post(url, shown(client, order) | {field: value, "step": "preview"})
        assert answer.status_code == 422, field
        assert words in text_of(answer), (field, text_of(answer))
        assert "Submit change" not in text_of(answer)
    nothing = client.post(url, shown(client, order) | {"step": "preview"})
    assert nothing.status_code == 422 and "Nothing is changed yet" in text_of(nothing)


def test_who_may_not_change_orders_sees_why(order, client_as):
    assert client_as("viewer").get(f"/orders/{order.pk}/change/").status_code == 403
    assert "Your role does not include this." in text_of(client_as("viewer").get(f"/orders/{order.pk}/"))
    assert client_as("viewer").get("/orders/skus/?q=A").status_code == 403


def test_skus_are_suggested_while_they_are_typed(order, client_as):
    html = client_as("support").get("/orders/skus/?add-0-sku=b-").content.decode()
    assert '<option value="B-1">Bulb</option>' in html and "A-1" not in html


def test_the_page_costs_the_same_with_more_lines_and_more_changes(order, client_as):
    client, place = client_as("owner"), make_location()
    for n in range(6):
        give_stock(make_variant(f"M-{n}"), place, 9)
    big = make_order(lines=[(f"M-{n}", 2) for n in range(6)])

    def statements(url: str, data: dict[str, str] | None = None) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert (client.post(url, data) if data else client.get(url)).status_code == 200
        return len(seen)

    for one in (order, big):
        statements(f"/orders/{one.pk}/change/")
    assert statements(f"/orders/{order.pk}/change/") == statements(f"/orders/{big.pk}/change/") <= 20


def test_a_closed_order_is_not_changed(order, client_as):
    Order.objects.filter(pk=order.pk).update(lifecycle="completed")
    answer = client_as("support").get(f"/orders/{order.pk}/change/", follow=True)
    assert "It is not open any more." in text_of(answer)
