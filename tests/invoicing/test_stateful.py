"""An order under any sequence of what happens to orders: its documents always add up to what stays here once everybody has settled."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from core.refusals import Refusal
from invoicing.auditing import CHECKS
from invoicing.models import Document
from invoicing.operations import bill_order, credit_invoice, preview_billing
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.changing.changes import AddLine, ChangeShipping, DiscountLine, Reprice, SetQuantity, SplitLine
from oms.orchestration.changing.submit import submit_change
from orders.models import Order, OrderLine
from orders.operations import record_payment, record_refund
from tests.factories.invoicing import make_taxed_order
from tests.factories.shop import ACTOR, NOW

pytestmark = pytest.mark.django_db
D = Decimal
who: dict[str, Any] = {"actor": ACTOR, "now": NOW}
UNIT = {"EUR": D("0.01"), "JPY": D(1), "KWD": D("0.001")}


class _Undo(Exception):
    """Takes the example back."""


def wrong() -> list[tuple[Any, ...]]:
    found = []
    with connection.cursor() as cursor:
        for name, statement in CHECKS.items():
            cursor.execute(statement)
            found += [(name, *row) for row in cursor.fetchall()]
    return found


def billed(order: Order) -> tuple[Decimal, Decimal]:
    documents = Document.objects.filter(order=order).exclude(kind="pro_forma")
    signs = [(one, -1 if one.kind == "credit_note" else 1) for one in documents]
    return sum((one.total * sign for one, sign in signs), D(0)), sum(
        (one.tax_total * sign for one, sign in signs), D(0)
    )


def act(order: Order, what: tuple[str, int, int]) -> None:
    """Something that happens; what is refused changes nothing."""
    kind, which, much = what
    lines = list(order.lines.order_by("position"))
    line, unit = lines[which % len(lines)], UNIT[order.currency]
    if kind == "cancel":
        cancel_order(order_id=order.pk, units={line.pk: 1 + much % 2}, reason="x", **who)
    elif kind == "pay":
        record_payment(
            order_id=order.pk,
            amount=min(order.owed_by_customer, (1 + much) * 37 * unit),
            method="cash",
            key=uuid.uuid4().hex,
            **who,
        )
    elif kind == "refund":
        units = {line.pk: 1} if much % 2 and line.refunded < line.ordered else {}
        record_refund(
            order_id=order.pk, amount=(1 + much) * 23 * unit, reason="x", key=uuid.uuid4().hex, lines=units, **who
        )
    elif kind == "ship":
        gone = max(line.shipped, min(line.ordered - line.cancelled, line.shipped + 1))
        OrderLine.objects.filter(pk=line.pk, backordered=0).update(
            allocated=max(gone, line.ordered - line.cancelled), picked=gone, packed=gone, shipped=gone
        )
        bill_order(order_id=order.pk, scope="shipped", **who)
    elif kind == "correct":
        bill_order(order_id=order.pk, scope="issued", **who)
    elif change := change_of(kind, str(line.pk), much, unit):
        submit_change(order_id=order.pk, changes=[change], version=order.version, key=uuid.uuid4().hex, **who)


def change_of(kind: str, line: str, much: int, unit: Decimal) -> Any:
    """A change order's only change."""
    return {
        "quantity": lambda: SetQuantity(line, max(1, much % 6)),
        "reprice": lambda: Reprice(line, (1 + much) * 41 * unit),
        "discount": lambda: DiscountLine(line, percent=D(much * 3)),
        "shipping": lambda: ChangeShipping(price=much * 17 * unit),
        "split": lambda: SplitLine(line, 1),
        "add": lambda: AddLine(1 + much % 3, title="Engraving", price=(1 + much) * 29 * unit, tax_rate=D("0.08")),
    }[kind]()


KINDS = ["cancel", "pay", "refund", "ship", "correct", "quantity", "reprice", "discount", "shipping", "split", "add"]
steps = st.tuples(st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 9), st.booleans())


@given(
    currency=st.sampled_from(sorted(UNIT)),
    included=st.booleans(),
    told=st.booleans(),
    paid=st.booleans(),
    story=st.lists(steps, min_size=1, max_size=7),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_documents_follow_the_order(currency: str, included: bool, told: bool, paid: bool, story: list[Any]) -> None:
    unit = UNIT[currency]
    try:
        with transaction.atomic():
            lines = []
            for units, price, rate in ((3, 333 * unit, "0.23"), (2, 1050 * unit, "0.08"), (1, 7 * unit, "0.23")):
                value = units * price
                tax = value - value / (1 + D(rate)) if included else value * D(rate)
                lines.append((units, str(price), str(tax.quantize(unit)), rate if told else None))
            total_tax = sum((D(line[2]) for line in lines), D(0)) + 5 * unit
            order = make_taxed_order(
                lines,
                currency=currency,
                shipping=str(30 * unit),
                tax=str(total_tax),
                tax_included=included,
                paid=paid,
                stock=20,
            )
            for kind, which, much, settle in story:
                order = Order.objects.get(pk=order.pk)
                try:
                    with transaction.atomic():
                        act(order, (kind, which, much))
                except Refusal as refusal:
                    event(f"{kind}: {refusal.code}")
                    continue
                event(f"{kind}: done")
                if settle:
                    check(order.pk)
            check(order.pk)
            raise _Undo
    except _Undo:
        pass


def check(order_id: int) -> None:
    order = Order.objects.get(pk=order_id)
    preview = preview_billing(order)
    before = billed(order)[0]
    made = bill_order(order_id=order_id, **who)
    stays = order.captured_total - order.refunded_total + order.owed_by_customer - order.owed_to_customer
    total, tax = billed(order)
    assert total == stays, (total, stays)
    assert total - before == preview.total and [one.total for one in made] == [one.total for one in preview.planned]
    assert D(0) <= tax <= order.tax_total or order.tax_total == 0
    assert bill_order(order_id=order_id, **who) == []
    assert wrong() == []
    invoice = Document.objects.filter(order=order, kind="invoice").first()
    if invoice is not None:
        with pytest.raises(Refusal):
            credit_invoice(invoice_id=invoice.pk, amount=invoice.total + 1, reason="x", key="over", **who)
