"""An order is paid at the door: it does not wait for its payment, and the money comes from the carrier."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from oms.orchestration.hold_order import release_holds
from orders.models import PaymentRecord
from orders.operations import lock_order, record_payment
from orders.states import HoldKind
from payments.models import Collection
from payments.operations.methods import agree_collection


def collect_at_delivery(*, order_id: int, method: str, actor: Actor, now: datetime) -> Collection:
    """Agree on it and release the payment hold, in one transaction. Refusals are those of agree_collection."""
    with transaction.atomic():
        lock_order(order_id)
        made = agree_collection(order_id=order_id, method=method, actor=actor, now=now)
        release_holds(order_id=order_id, kinds=[HoldKind.PAYMENT], actor=actor, now=now)
        return made


def settle_collection(*, order_id: int, actor: Actor, now: datetime) -> PaymentRecord:
    """The carrier handed the money over: what is owed is paid. Raises Refusal `not_collected`, `nothing_owed`."""
    with transaction.atomic():
        order = lock_order(order_id)
        collection = Collection.objects.filter(order=order).first()
        if collection is None:
            raise Refusal(
                "not_collected", _("Order {number} is not collected at delivery.").format(number=order.number)
            )
        if order.owed_by_customer <= 0:
            raise Refusal("nothing_owed", _("Nothing is owed for order {number}.").format(number=order.number))
        return record_payment(
            order_id=order_id, amount=order.owed_by_customer, method=collection.method, key=f"collected:{order.version}", actor=actor, now=now
        )  # fmt: skip
