"""A purchase order's life: what each act does to its lines, to the ledger, and to what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail as outbox_of_django
from django.db import IntegrityError, transaction
from django.db.models import Sum

from core.mail import send_due
from core.models import OutgoingMail
from core.refusals import Invalid, Refusal, Stale
from inventory.models import Lot, SerialNumber, StockLevel, StockMovement
from inventory.operations import adjust_stock
from inventory.operations.auditing import audit_stock
from oms.integrity import check_integrity
from purchasing.events import PurchaseOrderSent
from purchasing.mailing import mail_purchase
from purchasing.models import PurchaseLine, PurchaseOrder, Receipt, SupplierItem
from purchasing.operations import (
    Arrived,
    Confirmation,
    LineEdit,
    NewLine,
    approve_purchase_order,
    cancel_purchase_order,
    change_charges,
    close_purchase_order,
    confirm_purchase_order,
    create_purchase_orders,
    edit_purchase_order,
    plan_purchases,
    receive_purchase_order,
    send_purchase_order,
)
from tests.factories.purchasing import make_item, make_purchase, make_supplier, receive
from tests.factories.shop import ACTOR, NOW, make_location, make_variant

pytestmark = pytest.mark.django_db


def level(order: PurchaseOrder, line: PurchaseLine) -> StockLevel:
    return StockLevel.objects.get(variant=line.variant_id, location=order.location_id)


@contextmanager
def refused_as(code: str) -> Iterator[None]:
    with pytest.raises(Refusal) as refused:
        yield
    assert refused.value.code == code


def by_cause(order: PurchaseOrder, bucket: str) -> int:
    rows = StockMovement.objects.filter(cause=order.subject, bucket=bucket)
    return rows.aggregate(n=Sum("quantity"))["n"] or 0


def fine() -> None:
    assert audit_stock() == []
    _names, findings = check_integrity()
    assert [f for f in findings if "purchase" in f.check or "cost" in f.check] == []


def again(order: PurchaseOrder) -> PurchaseOrder:
    return PurchaseOrder.objects.get(pk=order.pk)


def do(operation: Any, order: PurchaseOrder, **more: Any) -> Any:
    return operation(order_id=order.pk, actor=ACTOR, now=NOW, **more)


class TestWay:
    def test_from_draft_to_received_in_parts(self) -> None:
        mug, cup = make_variant(), make_variant()
        order = make_purchase([(mug, 10, "2.50"), (cup, 4, "7")], sent=False)
        assert by_cause(order, "incoming") == 0
        do(send_purchase_order, order, mail=False)
        assert by_cause(order, "incoming") == 14
        first, second = order.lines.order_by("position")
        do(confirm_purchase_order, order, lines=[Confirmation(first.pk, 8, date(2026, 12, 3))])
        order = again(order)
        assert (order.state, order.outstanding, order.expected_on) == ("confirmed", 12, date(2026, 12, 3))
        receive(order, (5, 2), 0)
        assert again(order).state == "partly_received"
        shelf = level(order, first)
        assert (shelf.on_hand, shelf.damaged, shelf.incoming) == (5, 2, 3)
        do(confirm_purchase_order, order, lines=[Confirmation(second.pk, 6)])
        assert level(order, second).incoming == 6
        receive(order, 3, 6)
        order = again(order)
        assert (order.state, order.received, order.outstanding) == ("received", 14, 0)
        assert (by_cause(order, "incoming"), by_cause(order, "on_hand")) == (0, 14)
        fine()

    def test_a_receipt_is_booked_once_whatever_is_sent_twice(self) -> None:
        order = make_purchase([(make_variant(), 10, "1")])
        line = order.lines.get()
        one = do(receive_purchase_order, order, arrived=[Arrived(line.pk, 4)], key="a" * 32)
        two = do(receive_purchase_order, order, arrived=[Arrived(line.pk, 4)], key="a" * 32)
        assert one == two
        assert level(order, line).on_hand == 4
        with pytest.raises(Invalid):
            do(receive_purchase_order, make_purchase([(make_variant(), 1, "1")]), arrived=[Arrived(1, 1)], key="a" * 32)

    def test_more_than_expected_needs_a_reason(self) -> None:
        order = make_purchase([(make_variant(), 10, "1")])
        line = order.lines.get()
        with pytest.raises(Invalid) as refused:
            receive(order, 12)
        assert refused.value.field == "reason"
        receipt = receive(order, 12, reason="two packs of six")
        assert receipt.lines.get().over == 2
        assert (level(order, line).on_hand, level(order, line).incoming) == (12, 0)
        receive(again(order), 1, reason="one more in the van")  # after it was closed
        assert again(order).received == 13
        fine()

    def test_the_rest_is_given_up_with_a_reason(self) -> None:
        order = make_purchase([(make_variant(), 10, "1"), (make_variant(), 5, "1")])
        first, second = order.lines.order_by("position")
        with refused_as("nothing_came"):
            do(close_purchase_order, order, reason="sold out")
        do(close_purchase_order, order, reason="discontinued", units={second.pk: 5})
        receive(order, 7)
        with pytest.raises(Invalid):
            do(close_purchase_order, order, reason=" ")
        do(close_purchase_order, order, reason="sold out")
        order = again(order)
        assert (order.state, order.outstanding, order.close_reason) == ("received", 0, "sold out")
        assert by_cause(order, "incoming") == 0
        assert PurchaseLine.objects.get(pk=first.pk).cancelled == 3
        fine()

    def test_a_cancelled_order_expects_nothing(self) -> None:
        order = make_purchase([(make_variant(), 10, "1")])
        do(cancel_purchase_order, order, reason="wrong supplier")
        assert by_cause(order, "incoming") == 0
        with refused_as("wrong_state"):
            receive(order, 1)
        arrived = make_purchase([(make_variant(), 10, "1")])
        receive(arrived, 1)
        with refused_as("wrong_state"):
            do(cancel_purchase_order, arrived, reason="too late")
        fine()

    def test_incoming_that_was_taken_away_by_hand_does_not_stop_the_goods(self) -> None:
        order = make_purchase([(make_variant(), 10, "1")])
        line = order.lines.get()
        adjust_stock(
            variant_id=line.variant_id, location_id=order.location_id, bucket="incoming", set_to=3, reason="incoming",
            actor=ACTOR, now=NOW,
        )  # fmt: skip
        receive(order, 10)
        assert (level(order, line).incoming, level(order, line).on_hand) == (0, 10)
        assert by_cause(order, "incoming") == 0
        fine()

    def test_what_the_supplier_confirms_is_never_less_than_what_came(self) -> None:
        order = make_purchase([(make_variant(), 10, "1")])
        receive(order, 6)
        line = order.lines.get()
        with pytest.raises(Invalid):
            do(confirm_purchase_order, order, lines=[Confirmation(line.pk, 5)])
        do(confirm_purchase_order, order, lines=[Confirmation(line.pk, 6)])
        assert again(order).state == "received"
        fine()


class TestDrafts:
    def test_lines_are_changed_added_and_taken_away(self) -> None:
        mug, cup, pot = make_variant(), make_variant(), make_variant()
        order = make_purchase([(mug, 10, "2.50"), (cup, 4, "7")], sent=False)
        make_item(order.supplier, pot, price="3.20", sku="P-9")
        first, second = order.lines.order_by("position")
        do(
            edit_purchase_order, order, values={"note": "fragile"}, added=[NewLine(pot.pk, 5)],
            edits=[LineEdit(first.pk, 12, Decimal("2.40")), LineEdit(second.pk, 0, Decimal(7))],
        )  # fmt: skip
        order = again(order)
        lines = list(order.lines.order_by("position").values_list("variant_id", "ordered", "unit_cost", "supplier_sku"))
        assert lines == [(mug.pk, 12, Decimal("2.4000"), ""), (pot.pk, 5, Decimal("3.2000"), "P-9")]
        assert (order.units, order.total, order.note) == (17, Decimal("44.80"), "fragile")

    def test_an_older_version_is_refused(self) -> None:
        order = make_purchase([(make_variant(), 10, "1")], sent=False)
        do(edit_purchase_order, order, values={"note": "x"}, version=order.version)
        with pytest.raises(Stale):
            do(edit_purchase_order, order, values={"note": "y"}, version=order.version)

    @pytest.mark.parametrize(
        ("quantity", "cost", "field"), [(-1, "1", "quantity"), (2_000_000, "1", "quantity"), (1, "-1", "cost")]
    )
    def test_a_line_that_cannot_be_names_its_field(self, quantity: int, cost: str, field: str) -> None:
        order = make_purchase([(make_variant(), 10, "1")], sent=False)
        line = order.lines.get()
        with pytest.raises(Invalid) as refused:
            do(edit_purchase_order, order, edits=[LineEdit(line.pk, quantity, Decimal(cost))])
        assert refused.value.field == f"{field}-{line.pk}"

    def test_what_a_program_drafted_is_sent_only_when_somebody_approved_it(self) -> None:
        place, mug, supplier = make_location(), make_variant(), make_supplier()
        make_item(supplier, mug)
        [order] = create_purchase_orders(plan_purchases([(mug.pk, place.pk, 3)]), actor=ACTOR, now=NOW)
        with refused_as("wrong_state"):
            do(send_purchase_order, order, mail=False)
        do(approve_purchase_order, order)
        do(send_purchase_order, order, mail=False)
        with refused_as("wrong_state"):
            do(approve_purchase_order, order)

    def test_a_foreign_order_needs_a_rate_with_its_source(self) -> None:
        supplier = make_supplier(currency="USD")
        order = make_purchase([(make_variant(), 10, "1")], supplier=supplier, sent=False)
        with refused_as("wrong_state"):
            do(send_purchase_order, order, mail=False)
        charges = {"freight": Decimal(3), "duty": Decimal(0), "other": Decimal(0), "basis": "value"}
        with pytest.raises(Invalid) as refused:
            do(change_charges, order, **charges, exchange_rate=Decimal("0.9"))
        assert refused.value.field == "rate_source"
        do(change_charges, order, **charges, exchange_rate=Decimal("0.9"), rate_source="central bank, 20 Nov")
        do(send_purchase_order, order, mail=False)
        following = make_purchase([(make_variant(), 1, "1")], supplier=supplier, sent=False)
        assert following.exchange_rate == Decimal("0.9")
        assert order.number in following.rate_source


class TestMail:
    def test_the_supplier_gets_the_order_as_pdf_once(self, settings) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        order = make_purchase([(make_variant(), 10, "2.50")], sent=False)
        sent = do(send_purchase_order, order, mail=True)
        event = PurchaseOrderSent(order.pk, sent.version)
        mail_purchase(event, actor=ACTOR, now=NOW)
        mail_purchase(event, actor=ACTOR, now=NOW)
        assert OutgoingMail.objects.filter(about=order.subject).count() == 1
        assert send_due(now=NOW) == 1
        [message] = outbox_of_django.outbox
        assert message.to == [order.supplier.email]
        assert order.number in message.subject
        [(name, data, kind)] = message.attachments
        assert (name, kind) == (f"{order.number}.pdf", "application/pdf")
        assert data.startswith(b"%PDF-")
        assert again(order).pdf is not None

    def test_without_an_address_it_can_only_be_marked(self) -> None:
        order = make_purchase([(make_variant(), 1, "1")], supplier=make_supplier(email=""), sent=False)
        with refused_as("no_email"):
            do(send_purchase_order, order, mail=True)
        do(send_purchase_order, order, mail=False)


class TestTracking:
    def test_lots_and_serials_are_asked_for_and_kept(self) -> None:
        milk, radio = make_variant(tracking="lot"), make_variant(tracking="serial")
        order = make_purchase([(milk, 10, "1"), (radio, 2, "90")])
        first, second = order.lines.order_by("position")
        with pytest.raises(Invalid) as refused:
            receive(order, 4)
        assert refused.value.field == f"lot-{first.pk}"
        with pytest.raises(Invalid) as refused:
            do(receive_purchase_order, order, arrived=[Arrived(second.pk, 2, serials=("S1",))], key="k" * 32)
        assert refused.value.field == f"serials-{second.pk}"
        do(
            receive_purchase_order, order, key="l" * 32,
            arrived=[
                Arrived(first.pk, 6, 1, "L-1", date(2027, 1, 1)), Arrived(first.pk, 4, 0, "L-2"), Arrived(second.pk, 2, serials=("S1", "S2")),
            ],
        )  # fmt: skip
        assert list(Lot.objects.filter(variant=milk).exclude(code="").order_by("code").values_list("code", "expires_on")) == [
            ("L-1", date(2027, 1, 1)), ("L-2", None),
        ]  # fmt: skip
        assert SerialNumber.objects.filter(variant=radio, state="in_stock").count() == 2
        assert again(order).state == "received"
        fine()


def refuses(make: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make()


def test_the_database_refuses_what_cannot_be() -> None:
    variant = make_variant()
    order = make_purchase([(variant, 10, "1")])
    line, supplier = order.lines.get(), order.supplier
    lines, orders = PurchaseLine.objects.filter(pk=line.pk), PurchaseOrder.objects.filter(pk=order.pk)
    refuses(lambda: PurchaseLine.objects.create(order=order, position=2, variant=variant, ordered=1, unit_cost=1))
    refuses(lambda: lines.update(ordered=0))
    refuses(lambda: lines.update(damaged=1))
    refuses(lambda: lines.update(cancelled=11))
    refuses(lambda: lines.update(unit_cost=-1))
    refuses(lambda: orders.update(state="lost"))
    refuses(lambda: orders.update(freight=-1))
    refuses(lambda: orders.update(exchange_rate=0))
    refuses(lambda: orders.update(exchange_rate=None))
    refuses(lambda: orders.update(automatic=True))
    refuses(lambda: orders.update(charge_basis="colour"))
    refuses(
        lambda: Receipt.objects.create(order=order, key="x", actor="a", actor_label="a", at=NOW).lines.create(
            line=line, quantity=0
        )
    )
    refuses(
        lambda: Receipt.objects.create(order=order, key="y", actor="a", actor_label="a", at=NOW).lines.create(
            line=line, quantity=1, damaged=2
        )
    )
    refuses(lambda: type(supplier).objects.filter(pk=supplier.pk).update(minimum_order=-1))
    refuses(lambda: type(supplier).objects.filter(pk=supplier.pk).update(currency="eur"))
    make_item(supplier, variant, preferred=True)
    refuses(lambda: make_item(supplier, variant))
    refuses(lambda: make_item(make_supplier(), variant, preferred=True))
    refuses(lambda: SupplierItem.objects.update(pack_size=0))
    refuses(lambda: SupplierItem.objects.update(price=-1))
