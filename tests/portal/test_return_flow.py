"""A customer sends something back: three screens, once, and nothing of anybody else's."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core.models import Shop
from fulfillment.models import Document
from orders.models import Order, OrderLine
from returns.models import Return
from returns.operations import create_return_label, mark_in_transit
from tests.factories.returns import ask, make_shop, sent_order
from tests.factories.shop import ACTOR


@pytest.fixture
def now_is_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's clock stands on the day after the parcel left."""
    from django.utils import timezone

    from tests.factories.shop import NOW

    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(days=1))


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now_is_then")]


@pytest.fixture
def order() -> Order:
    make_shop()
    return sent_order(3, 1)


def items_url(order: Order) -> str:
    return f"/t/{order.token}/return/"


def answers(client: Client, order: Order, *quantities: int, **extra: Any) -> dict[str, Any]:
    """What the first screen sends: the form's own key, a quantity and a reason for each line."""
    key = re.search(r'name="request_key" value="([^"]+)"', client.get(items_url(order)).content.decode())
    data: dict[str, Any] = {"request_key": key[1] if key else "made-up-key"}
    for line, units in zip(order.lines.order_by("position"), quantities, strict=False):
        data |= {f"quantity-{line.pk}": units, f"reason-{line.pk}": "does_not_fit" if units else ""}
    return data | extra


class TestThreeScreens:
    def test_choose_look_send(self, client: Client, order: Order) -> None:
        data = answers(client, order, 2, 0, customer_note="Too small")
        review = client.post(items_url(order), data | {"step": "review"})
        assert review.status_code == 200
        assert not Return.objects.exists()
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', review.content.decode()))
        done = client.post(items_url(order), hidden | {"step": "send"})
        made = Return.objects.get()
        assert done.status_code == 302
        assert done.headers["Location"] == f"/t/{order.token}/returns/{made.number}/"
        assert (made.units, made.customer_note, made.state) == (2, "Too small", "approved")

    def test_the_label_is_there_to_download(self, client: Client, order: Order) -> None:
        made = ask(order, 1)
        url = f"/t/{order.token}/returns/{made.number}/"
        waiting = client.get(url).content.decode()
        assert "Your label is being made" in waiting
        assert "Look again" in waiting
        assert "label.pdf" not in waiting
        create_return_label(return_id=made.pk, actor=ACTOR, now=made.requested_at)
        ready = client.get(url).content.decode()
        assert "label.pdf" in ready
        label = client.get(f"{url}label.pdf")
        assert label.content == bytes(Document.objects.get(shipment=made.shipment, kind="return_label_pdf").data)
        assert label.headers["Cache-Control"] == "private, no-store"

    def test_going_back_keeps_what_was_typed(self, client: Client, order: Order) -> None:
        back = client.post(items_url(order), answers(client, order, 2, 1, customer_note="Wait") | {"step": "change"})
        text = back.content.decode()
        assert back.status_code == 200
        assert text.count("selected") >= 4
        assert "Wait" in text

    def test_sent_twice_it_is_one_return(self, client: Client, order: Order) -> None:
        data = answers(client, order, 3, 1) | {"step": "send"}
        first, second = client.post(items_url(order), data), client.post(items_url(order), data)
        assert first.headers["Location"] == second.headers["Location"]
        assert Return.objects.count() == 1

    def test_looking_changes_nothing(self, client: Client, order: Order) -> None:
        made = ask(order, 1)
        before = (OrderLine.objects.get(pk=order.lines.first().pk).return_requested, Return.objects.get().version)
        for path in (
            "",
            "return/",
            f"returns/{made.number}/",
            f"returns/{made.number}/label.pdf",
            f"returns/{made.number}/cancel/",
        ):
            client.get(f"/t/{order.token}/{path}")
        assert (
            OrderLine.objects.get(pk=order.lines.first().pk).return_requested,
            Return.objects.get().version,
        ) == before

    def test_the_customer_may_cancel_until_it_is_on_its_way(self, client: Client, order: Order) -> None:
        made, moving = ask(order, 1), ask(order, 1)
        mark_in_transit(return_id=moving.pk, actor=ACTOR, now=made.requested_at)
        assert client.post(f"/t/{order.token}/returns/{made.number}/cancel/").status_code == 302
        refused = client.post(f"/t/{order.token}/returns/{moving.number}/cancel/")
        assert refused.status_code == 409
        assert "on its way already" in refused.content.decode()
        assert sorted(Return.objects.values_list("state", flat=True)) == ["cancelled", "in_transit"]

    def test_when_the_time_is_over_it_says_so(self, client: Client, order: Order) -> None:
        Shop.objects.update(return_window_days=0)
        text = client.get(items_url(order)).content.decode()
        assert "Nothing can be returned right now" in text
        assert "Return something" not in client.get(f"/t/{order.token}/").content.decode()


class TestBadInput:
    @pytest.mark.parametrize("step", ["review", "send"])
    def test_more_than_was_sent(self, client: Client, order: Order, step: str) -> None:
        response = client.post(items_url(order), answers(client, order, 4, 1, customer_note="Keep me") | {"step": step})
        text = response.content.decode()
        assert response.status_code == 422
        assert "At most 3 can be returned." in text
        assert "Keep me" in text
        assert not Return.objects.exists()

    @pytest.mark.parametrize("quantity", ["-1", "1.5", "many", "٣٣٣", "1e9", "9" * 40])
    def test_quantities_that_are_none(self, client: Client, order: Order, quantity: str) -> None:
        response = client.post(items_url(order), answers(client, order, quantity, 0) | {"step": "send"})  # type: ignore[arg-type]
        assert response.status_code == 422
        assert not Return.objects.exists()

    def test_a_reason_is_asked_for_next_to_its_line(self, client: Client, order: Order) -> None:
        data = answers(client, order, 1, 0)
        line = order.lines.order_by("position").first().pk
        response = client.post(items_url(order), data | {f"reason-{line}": "", "step": "review"})
        assert response.status_code == 422
        assert f'id="id_reason-{line}_errors"' in response.content.decode()

    def test_nothing_chosen(self, client: Client, order: Order) -> None:
        response = client.post(items_url(order), answers(client, order, 0, 0) | {"step": "review"})
        assert "Choose at least one item." in response.content.decode()

    @pytest.mark.parametrize("key", ["", "short", "x" * 100, "<script>", "a b c d e f g"])
    def test_a_forged_key(self, client: Client, order: Order, key: str) -> None:
        response = client.post(items_url(order), answers(client, order, 1, 0) | {"request_key": key, "step": "send"})
        assert response.status_code == 422
        assert not Return.objects.exists()

    def test_fields_that_the_form_does_not_have_change_nothing(self, client: Client, order: Order) -> None:
        extra = {"state": "resolved", "resolution": "refund", "units": 99, "order": 1, "amount": 1000, "step": "send"}
        client.post(items_url(order), answers(client, order, 1, 0) | extra)
        made = Return.objects.get()
        assert (made.state, made.units, made.resolution, made.order_id) == ("approved", 1, "", order.pk)


class TestStrangers:
    @pytest.mark.parametrize("step", ["review", "send"])
    def test_a_line_of_another_order(self, client: Client, order: Order, step: str) -> None:
        foreign = sent_order(2).lines.get()
        data = answers(client, order, 1, 0) | {
            f"quantity-{foreign.pk}": 1,
            f"reason-{foreign.pk}": "other",
            "step": step,
        }
        response = client.post(items_url(order), data)
        assert response.status_code == 422
        assert "cannot be returned from this order" in response.content.decode()
        assert not Return.objects.exists()
        assert OrderLine.objects.get(pk=foreign.pk).return_requested == 0

    @pytest.mark.parametrize("path", ["", "label.pdf", "cancel/"])
    def test_a_return_of_another_order_by_its_number(self, client: Client, order: Order, path: str) -> None:
        other = ask(sent_order(1))
        create_return_label(return_id=other.pk, actor=ACTOR, now=other.requested_at)
        url = f"/t/{order.token}/returns/{other.number}/{path}"
        response = client.post(url) if path == "cancel/" else client.get(url)
        assert response.status_code == 404
        assert Return.objects.get(pk=other.pk).state == "approved"

    @pytest.mark.parametrize(
        "path", ["", "return/", "returns/{number}/", "returns/{number}/label.pdf", "returns/{number}/cancel/"]
    )
    @pytest.mark.parametrize("token", ["1", "{pk}", "{number}", "{order}"])
    def test_counted_ids_instead_of_the_token(self, client: Client, order: Order, token: str, path: str) -> None:
        made = ask(order, 1)
        names = {"pk": order.pk, "number": made.number, "order": order.number.lstrip("#")}
        url = f"/t/{token.format(**names)}/{path.format(**names)}"
        assert client.post(url).status_code in (404, 405)
        assert client.get(url).status_code in (404, 405)
        assert Return.objects.get().state == "approved"

    def test_a_form_from_elsewhere_is_refused(self, order: Order) -> None:
        made = ask(order, 1)
        strict = Client(enforce_csrf_checks=True)
        for path in ("return/", f"returns/{made.number}/cancel/"):
            assert strict.post(f"/t/{order.token}/{path}", {"step": "send"}).status_code == 403
        assert strict.post("/track/", {"number": "1", "email": "a@example.com"}).status_code == 403
        assert Return.objects.get().state == "approved"

    def test_markup_in_notes_is_text_for_the_customer_and_for_the_shop(
        self, client: Client, order: Order, client_as: Any
    ) -> None:
        evil = '"><script>alert(1)</script><a href="javascript:x">'
        line = order.lines.order_by("position").first().pk
        data = answers(client, order, 1, 0, customer_note=evil) | {f"note-{line}": evil}
        pages = [client.post(items_url(order), data | {"step": step}) for step in ("change", "review", "send")]
        made = Return.objects.get()
        pages += [
            client.get(f"/t/{order.token}/returns/{made.number}/"),
            client_as("owner").get(f"/returns/{made.pk}/"),
        ]
        pages += [client_as("owner").get(f"/returns/{made.pk}/floor/")]
        for page in pages:
            assert b"<script>alert" not in page.content
            assert b'href="javascript' not in page.content


def test_the_same_form_twice_at_once_makes_one_return(committed: None, threads: Any) -> None:
    make_shop()
    order = sent_order(4)
    line = order.lines.get().pk
    data = {"request_key": "double-click-1", f"quantity-{line}": 1, f"reason-{line}": "other", "step": "send"}
    responses = threads(6, lambda i: Client().post(f"/t/{order.token}/return/", data).status_code)
    assert responses == [302] * 6
    assert Return.objects.count() == 1
