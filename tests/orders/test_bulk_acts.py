"""One act on many orders: what each says, what can be taken back, who is told of a note, and the order on paper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pypdfium2
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.jobs import run_job
from core.models import Job, OutgoingMail, User
from core.refusals import NotFound, Refusal
from fulfillment.models import FulfillmentOrder
from oms.bulk import act_on_orders, running, undo_change
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import release_hold
from orders.models import BulkChange, Hold, Mention, Note, Order, Refund
from orders.operations import add_note, change_tags
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
SignIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def forget() -> None:
    cache.clear()


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("Anna.B", email="anna@shop.example", role="support", language="pl")


@pytest.fixture
def me() -> Actor:
    return Actor.user(User.objects.create_user("me", role="owner"))


def shown(client: Client, action: str, orders: list[Order], **fields: object) -> str:
    data = {"action": action, "id": [order.pk for order in orders], "confirmed": "1", **fields}
    response = client.post("/orders/", data)
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


def finished(**fields: object) -> Order:
    order = make_order(**fields)
    cancel_order(order_id=order.pk, reason="", actor=ACTOR, now=NOW)
    return order


def test_orders_go_to_the_archive_once_nobody_has_to_see_to_them(client_as: SignIn) -> None:
    gone, still = finished(number="GONE"), make_order(number="STILL")
    client = client_as("owner")
    page = shown(client, "archive", [gone, still])
    assert "Order STILL is still open." in page and "Undo" in page
    assert set(Order.objects.filter(archived=True)) == {gone}
    assert "GONE" in client.get("/orders/?tab=archived").content.decode()
    client.post(reverse("bulk-undo", args=[BulkChange.objects.get().pk]))
    assert not Order.objects.filter(archived=True).exists()


def test_an_act_is_undone_where_nobody_changed_it_since(me: Actor) -> None:
    first, second = make_order(number="A", tags=("old",)), make_order(number="B")
    act_on_orders("tag", [first.pk, second.pk], {"add": ["vip"], "remove": ["old"]}, actor=me, now=NOW)
    change_tags(order_ids=[second.pk], add=["late"], actor=ACTOR, now=NOW)
    outcome = undo_change(change_id=BulkChange.objects.get().pk, actor=me, now=NOW)
    assert outcome.done == [first.pk]
    assert outcome.refused == [("B", "It was changed by somebody since.")]
    assert Order.objects.get(pk=first.pk).tags == ["old"]
    assert set(Order.objects.get(pk=second.pk).tags) == {"vip", "late"}


def test_what_can_be_undone_is_undone_once_by_who_did_it_and_soon(me: Actor) -> None:
    order = make_order()
    act_on_orders("due", [order.pk], {"due": "2026-12-01"}, actor=me, now=NOW)
    change = BulkChange.objects.get()
    with pytest.raises(NotFound):
        undo_change(change_id=change.pk, actor=ACTOR, now=NOW)
    with pytest.raises(Refusal, match="24 hours"):
        undo_change(change_id=change.pk, actor=me, now=NOW + timedelta(hours=25))
    assert Order.objects.get().payment_due_on == date(2026, 12, 1)
    undo_change(change_id=change.pk, actor=me, now=NOW)
    assert Order.objects.get().payment_due_on is None
    with pytest.raises(Refusal, match="already"):
        undo_change(change_id=change.pk, actor=me, now=NOW)


def test_holds_notes_people_and_methods_are_taken_back(me: Actor, anna: User) -> None:
    order = make_order(shipping_method="standard")
    acts = [
        ("hold", {"kind": "operator", "reason": "", "until": None}),
        ("note", {"text": "look", "author": int(me.key)}),
        ("assign", {"person": anna.pk}),
    ]
    for act, params in acts:
        assert act_on_orders(act, [order.pk], params, actor=me, now=NOW).done == [order.pk]
    order.refresh_from_db()
    assert order.on_hold and order.assignee == anna and Note.objects.count() == 1
    for change in BulkChange.objects.order_by("-pk"):
        assert undo_change(change_id=change.pk, actor=me, now=NOW).refused == []
    order.refresh_from_db()
    assert not order.on_hold and order.assignee is None and not Note.objects.exists()
    assert check_integrity()[1] == []


def test_a_released_hold_is_not_released_again(me: Actor) -> None:
    order = make_order()
    act_on_orders("hold", [order.pk], {"kind": "operator", "reason": "", "until": None}, actor=me, now=NOW)
    release_hold(hold_id=Hold.objects.get().pk, actor=ACTOR, now=NOW)
    assert undo_change(change_id=BulkChange.objects.get().pk, actor=me, now=NOW).refused


def test_another_shipping_method_is_a_change_order_and_can_be_taken_back(me: Actor) -> None:
    order = make_order(shipping_method="standard")
    outcome = act_on_orders("method", [order.pk], {"method": "express"}, actor=me, now=NOW)
    assert outcome.refused == []
    assert FulfillmentOrder.objects.exclude(state="cancelled").get().service == "express"
    undo_change(change_id=BulkChange.objects.get().pk, actor=me, now=NOW)
    order.refresh_from_db()
    assert order.shipping_method == "standard" and order.changes.count() == 2


def test_many_orders_are_a_job_and_so_is_their_undoing(me: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 1)
    monkeypatch.setattr("oms.bulk.undoing.AT_ONCE", 1)
    orders = [make_order() for _n in range(3)]
    outcome = act_on_orders("tag", [o.pk for o in orders], {"add": ["vip"], "remove": []}, actor=me, now=NOW)
    change = BulkChange.objects.get()
    with pytest.raises(Refusal, match="still being done"):
        undo_change(change_id=change.pk, actor=me, now=NOW)
    run_job(outcome.job.pk, clock=lambda: NOW)
    assert Order.objects.filter(tags=["vip"]).count() == change.items.count() == 3
    undone = undo_change(change_id=change.pk, actor=me, now=NOW)
    job = run_job(undone.job.pk, clock=lambda: NOW)
    assert (job.state, job.total, job.done) == ("done", 3, 3)
    assert Order.objects.filter(tags=[]).count() == 3


def test_refunds_in_bulk_pay_back_what_was_paid_too_much_and_no_more(client_as: SignIn) -> None:
    channel, location, variant = make_channel(), make_location(), make_variant("AB-1", price=Decimal(10))
    give_stock(variant, location, 9)
    over, exact = make_order(channel, [("AB-1", 2)], number="OVER"), make_order(channel, [("AB-1", 1)], number="EXACT")
    cancel_order(order_id=over.pk, units={over.lines.get().pk: 1}, reason="", actor=ACTOR, now=NOW)
    client = client_as("owner")
    for _press in range(2):
        page = shown(client, "refund", [over, exact], everything="owed", reason="one less")
        assert "Nothing is to be paid back." in page
    assert Refund.objects.get().amount == Order.objects.get(pk=over.pk).captured_total / 2
    shown(client, "refund", [over, exact], everything="all", reason="sorry")
    for order in Order.objects.all():
        assert order.refunded_total == order.captured_total
    assert check_integrity()[1] == []


def test_refunds_of_many_orders_are_a_job_that_asks_outside_of_its_transaction(
    me: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 1)
    orders = [make_order() for _n in range(3)]
    params = {"everything": True, "reason": "", "key": "bulk:k"}
    outcome = act_on_orders("refund", [o.pk for o in orders], params, actor=me, now=NOW)
    job = run_job(outcome.job.pk, clock=timezone.now)
    assert (job.state, job.done, job.failed) == ("done", 3, 0)
    assert Refund.objects.count() == 3
    Job.objects.update(state="queued", cursor={}, done=0, failed=0)  # killed before its last step was written down
    run_job(outcome.job.pk, clock=timezone.now)
    assert Refund.objects.count() == 3


def test_orders_are_routed_in_bulk(client_as: SignIn) -> None:
    channel, location, variant = make_channel(), make_location(), make_variant("AB-1")
    order = make_order(channel, [("AB-1", 2)], number="WAITS")
    give_stock(variant, location, 9)
    client = client_as("operations")
    shown(client, "route", [order], again="no")
    assert Order.objects.get().lines.get().allocated == 2
    assert "Every unit has its place." in shown(client, "route", [order], again="no")


def test_who_is_named_in_a_note_finds_it_and_is_told_once(client_as: SignIn, anna: User) -> None:
    order = make_order(number="N-1")
    author = User.objects.create_user("boss", role="owner")
    text = "@anna.b, please ask @nobody and @boss. Not me@anna.b!"
    add_note(order_id=order.pk, text=text, user=author, now=NOW)
    assert list(Mention.objects.values_list("user__username", flat=True)) == ["Anna.B"]
    mail = OutgoingMail.objects.get()
    assert mail.to == "anna@shop.example" and "N-1" in mail.subject and "please ask" in mail.text
    client = Client()
    client.force_login(anna)
    page = client.get(reverse("mentions")).content.decode()
    assert "N-1" in page and "please ask" in page
    assert "N-1" not in client_as("owner").get(reverse("mentions")).content.decode(), "each sees their own"
    client.post(reverse("mentions"), {"action": "seen", "id": [Mention.objects.get().pk], "confirmed": "1"})
    assert Mention.objects.get().seen_at is not None


def test_an_order_is_assigned_and_found_by_its_person(client_as: SignIn, anna: User) -> None:
    order = make_order(number="HERS")
    make_order(number="OTHER")
    client = client_as("support")
    assert client.post(reverse("order-assign", args=[order.pk]), {"person": anna.pk}).status_code == 302
    page = client.get(f"/orders/?assignee={anna.pk}").content.decode()
    assert "HERS" in page and "OTHER" not in page
    assert "Anna.B" in client.get(reverse("order", args=[order.pk])).content.decode()


@pytest.mark.parametrize(("role", "money"), [("owner", True), ("warehouse", False)])
def test_the_order_on_paper_has_its_lines_and_shows_money_to_those_who_may_see_it(
    client_as: SignIn, role: str, money: bool
) -> None:
    order = make_order(number="P-1", note="ring twice")
    data = client_as(role).get(reverse("order-paper", args=[order.pk]))
    assert data["Content-Type"] == "application/pdf"
    text = pypdfium2.PdfDocument(data.content)[0].get_textpage().get_text_range()
    assert "P-1" in text and order.lines.get().sku in text and "ring twice" in text
    assert ("Total" in text) is money
