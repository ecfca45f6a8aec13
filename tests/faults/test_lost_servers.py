"""Redis goes, PostgreSQL cuts a connection, two people do the same: orders stay whole, and what was to be done gets done, once."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.models import Count
from django.test import Client
from django.utils import timezone

from api.tokens import create_token
from core import outbox
from core.models import OutboxDelivery, OutboxEvent, OutgoingMail, TimelineEntry, User
from core.permissions import Role
from fulfillment.models import FulfillmentOrder, Package, Shipment
from fulfillment.operations.packing import pack_all
from fulfillment.operations.picking import finish_picking, start_picking
from fulfillment.operations.printing import print_now
from fulfillment.operations.shipping import ship_fulfillment_order
from inventory.models import Reservation, StockLevel, StockMovement
from oms.embedded.valkey import Valkey
from oms.orchestration.place_order import place_orders
from orders.models import Order, OrderLine
from tests.browser.stack import Stack, forget_queue, send, wait_for
from tests.factories.fulfillment import make_work, make_works
from tests.factories.shop import (
    ACTOR,
    NOW,
    give_stock,
    make_channel,
    make_location,
    make_order,
    make_variant,
    new_order,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def audits_are_clean() -> None:
    call_command("audit_stock", stdout=StringIO())
    call_command("check_integrity", stdout=StringIO())


def told() -> dict[str, int]:
    """Events by name; changes of stock are left out, because they are merged as they come."""
    events = OutboxEvent.objects.exclude(name="stock.changed")
    return dict(events.values_list("name").annotate(n=Count("id")))


class TestRedisGone:
    def test_pages_work_orders_go_in_and_work_resumes(self, stack: Stack, own_valkey: Valkey) -> None:
        channel, location, variant = make_channel(), make_location(), make_variant("TEE")
        give_stock(variant, location, 100)
        _token, secret = create_token(name="shop", role=Role.OPERATIONS)
        user = User.objects.create_user(username="owner", password="x", role=Role.OWNER)
        stack.extra = {"REDIS_URL": own_valkey.url, "CELERY_BROKER_URL": own_valkey.broker_url}
        stack.start_web()
        stack.start_worker()
        session = _session_of(user)
        assert _get(stack, "/orders/", session)[0] == 200
        own_valkey.stop()

        body = _body(channel.name)
        for n in range(5):
            status, seconds = _post(stack, "/api/v1/orders", body | {"external_id": f"gone-{n}"}, secret)
            assert (status, seconds < 3) == (201, True), f"{seconds:.1f} s without Redis"
        order = Order.objects.latest("id")
        for path in (
            "/",
            "/orders/",
            f"/orders/{order.pk}/",
            "/fulfillment/",
            "/stock/",
            "/jobs/",
            "/login/",
            f"/t/{order.token}/",
            "/search/?q=tee",
        ):
            status, seconds = _get(stack, path, session)
            assert status in (200, 302), path
            assert seconds < 3, f"{path} took {seconds:.1f} s without Redis"
        with urllib.request.urlopen(f"{stack.url}/healthz", timeout=5) as answer:
            assert json.load(answer) == {"database": "ok", "redis": "away"}
        works = FulfillmentOrder.objects.order_by("pk").values_list("pk", flat=True)
        for pk in works:
            assert _post(stack, f"/api/v1/fulfillment-orders/{pk}/ship", {}, secret)[0] == 200
        assert OutboxEvent.objects.filter(relayed_at__isnull=True).count() >= 10
        assert not OutgoingMail.objects.exists()

        own_valkey.start()  # the worker and beat, which never stopped, find it again
        wait_for("every mail", lambda: OutgoingMail.objects.filter(sent_at__isnull=False).count() == 5, 60)
        assert not OutboxEvent.objects.filter(relayed_at__isnull=True).exists()
        wait_for("every delivery", lambda: not OutboxDelivery.objects.filter(done_at__isnull=True).exists(), 30)
        assert OutgoingMail.objects.count() == 5
        audits_are_clean()

    def test_what_a_flush_took_is_sent_again_and_done_once(self, stack: Stack) -> None:
        """Deliveries wait in Redis, FLUSHALL takes them; the sweep sends them again, and twice sent is once done."""
        works = make_works(20)
        for work in works:
            ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=timezone.now(), fast_forward=True)
        wanted = told()
        rung: list[int] = []

        def ring(task: str, *args: Any) -> bool:
            rung.extend(args)
            return send(task, *args)

        patch = pytest.MonkeyPatch()
        patch.setattr(outbox.bell, "ring", ring)
        while outbox.relay(now=timezone.now()):
            pass
        waiting = OutboxDelivery.objects.filter(done_at__isnull=True).count()
        assert waiting == len(rung) >= 40
        forget_queue()
        later = timezone.now() + timedelta(minutes=2)
        assert outbox.redeliver_due(now=later, limit=waiting) == waiting
        OutboxDelivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        assert (
            outbox.redeliver_due(now=timezone.now(), limit=waiting) == waiting
        )  # and once more: each is in the queue twice
        patch.undo()
        stack.start_worker(beat=False, concurrency=2)
        wait_for("every delivery", lambda: not OutboxDelivery.objects.filter(done_at__isnull=True).exists(), 40)
        send("core.tasks.send_due_mail")
        wait_for("every mail", lambda: not OutgoingMail.objects.filter(sent_at__isnull=True).exists(), 20)
        time.sleep(0.5)
        assert OutgoingMail.objects.count() == 20
        assert told() == wanted
        assert set(OutboxDelivery.objects.values_list("attempts", flat=True)) == {1}
        audits_are_clean()


def _session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def _get(stack: Stack, path: str, session: str) -> tuple[int, float]:
    request = urllib.request.Request(stack.url + path, headers={"Cookie": f"sessionid={session}"})
    begun = time.monotonic()
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
        return answer.status, time.monotonic() - begun


def _post(stack: Stack, path: str, body: dict[str, Any], secret: str) -> tuple[int, float]:
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    request = urllib.request.Request(stack.url + path, json.dumps(body).encode(), headers)
    begun = time.monotonic()
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
        return answer.status, time.monotonic() - begun


def _body(channel: str) -> dict[str, Any]:
    return {
        "channel": channel, "placed_at": "2026-11-20T10:00:00Z", "currency": "EUR", "customer": {"name": "Ada", "email": "ada@example.com"},
        "shipping_address": {"name": "Ada", "line1": "Długa 1", "city": "Kraków", "postal_code": "30-001", "country": "PL"},
        "lines": [{"sku": "TEE", "quantity": 1, "unit_price": "10"}], "paid": True,
    }  # fmt: skip


class TestConnectionCut:
    """PostgreSQL ends the connection at a point of place_orders: all or nothing, and the same call again succeeds."""

    @pytest.mark.parametrize(
        "point",
        ["write_reservations", "create_fulfillment_orders", "record_decisions", "write_payments", "publish"],
    )
    def test_orders_are_placed_wholly_or_not_at_all(self, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
        from oms.orchestration import place_order as module

        channel, location, variant = make_channel(), make_location(), make_variant("TEE")
        give_stock(variant, location, 10)
        before = _counts()
        requests = [new_order(channel, [("TEE", 2)]) for _n in range(8)]  # the last three find no stock
        original: Callable[..., Any] = getattr(module, point)

        def cut(*args: Any, **kwargs: Any) -> Any:
            answer = original(*args, **kwargs)
            _terminate(connection.connection.info.backend_pid)
            return answer

        monkeypatch.setattr(module, point, cut)
        with pytest.raises((DatabaseError, psycopg.Error)):
            place_orders(requests, actor=ACTOR, now=NOW)
        connection.close()
        assert _counts() == before
        monkeypatch.undo()
        placed = place_orders(requests, actor=ACTOR, now=NOW)
        assert [one.created for one in placed] == [True] * 8
        assert Order.objects.count() == 8
        audits_are_clean()


def _counts() -> tuple[Any, ...]:
    tables = (Order, OrderLine, Reservation, FulfillmentOrder, OutboxEvent, StockMovement)
    return (*(table.objects.count() for table in tables), list(StockLevel.objects.values_list("on_hand", "reserved")))


def _terminate(pid: int) -> None:
    """As an administrator, or a restart of the server, does it: from another connection."""
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    finally:
        other.close()


class TestTwoPeople:
    def test_one_ships_the_other_is_told_who_and_when(self, threads: Callable[..., list[Any]]) -> None:
        work = make_work([("TEE", 2)])
        for step in (start_picking, finish_picking, pack_all):
            step(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)
        print_now(fulfillment_order_id=work.pk, kinds=["label_pdf"], actor=ACTOR, now=NOW)
        clients = [_signed_in(name) for name in ("anna", "bert")]
        before = StockLevel.objects.get(variant__sku="TEE").on_hand
        answers = threads(
            2,
            lambda n: clients[n].post(
                f"/fulfillment/{work.pk}/pack/", {"action": "ship"}, headers={"HX-Request": "true"}
            ),
        )
        texts = [answer.content.decode() for answer in answers]
        assert [answer.status_code for answer in answers] == [200, 200]
        won = [n for n, text in enumerate(texts) if "is shipped:" in text]
        assert len(won) == 1
        loser = texts[1 - won[0]]
        assert ("anna", "bert")[won[0]] in loser, "the other is told who was faster"
        assert 'data-beep="wrong"' in loser
        assert StockLevel.objects.get(variant__sku="TEE").on_hand == before - 2
        assert (Shipment.objects.count(), Package.objects.count()) == (1, 1)
        assert TimelineEntry.objects.filter(kind="fulfillment.shipped").count() == 1
        assert OutboxEvent.objects.filter(name="fulfillment.shipped").count() == 1
        audits_are_clean()

    def test_eight_clicks_from_packed_without_a_label_buy_one(self, threads: Callable[..., list[Any]]) -> None:
        work = make_work([("TEE", 1)])
        for step in (start_picking, finish_picking, pack_all):
            step(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)
        clients = [_signed_in(f"packer{n}") for n in range(8)]
        answers = threads(
            8,
            lambda n: clients[n].post(
                f"/fulfillment/{work.pk}/pack/", {"action": "ship"}, headers={"HX-Request": "true"}
            ),
        )
        assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * 8
        assert sum("is shipped:" in answer.content.decode() for answer in answers) == 1
        assert (Shipment.objects.count(), Package.objects.count()) == (1, 1)
        assert FulfillmentOrder.objects.get(pk=work.pk).state == "shipped"
        audits_are_clean()

    def test_a_refund_sent_twice_at_once_is_one(self, threads: Callable[..., list[Any]]) -> None:
        order = make_order(make_channel(), [(make_work().lines.get(order_line__position=1).order_line.sku, 1)])
        clients = [_signed_in(f"money{n}", Role.OWNER) for n in range(4)]
        data = {"key": "one-form-key", "amount": "4", "reason": "late"}
        answers = threads(4, lambda n: clients[n].post(f"/orders/{order.pk}/refunds/", data))
        assert all(getattr(answer, "status_code", 500) in (302, 422) for answer in answers), answers
        order.refresh_from_db()
        assert order.refunded_total == 4
        audits_are_clean()


def _signed_in(name: str, role: str = Role.WAREHOUSE) -> Client:
    user = User.objects.create_user(username=name, password="x", role=role)
    client = Client()
    client.force_login(user)
    return client
