"""The customer's link to pay what an order is owed."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from core.actors import Actor
from core.mail import queue_mail
from core.money import format_money
from core.refusals import Refusal
from core.timeline import record
from orders.models import Order
from orders.states import Lifecycle
from payments.operations.calling import due_from_customer


def pay_url(order: Order) -> str:
    """The address of the customer's page to pay."""
    return settings.PUBLIC_URL + reverse("pay", args=[order.token])


def send_payment_link(order: Order, *, to: str, note: str = "", actor: Actor, now: datetime) -> None:
    """Mail the link; the same link to the same address once in ten minutes. Raises Refusal when nothing is due."""
    due = due_from_customer(order)
    if due <= 0 or order.lifecycle == Lifecycle.CANCELLED:
        raise Refusal("nothing_due", _("Nothing is owed."))
    amount = format_money(due, order.currency, order.language)
    with transaction.atomic():
        key = f"payment-link:{order.pk}:{to.casefold()}:{int(now.timestamp()) // 600}"
        queue_mail(
            to=to, template="payment_link", context={"number": order.number, "amount": amount, "url": pay_url(order), "note": note},
            language=order.language, dedupe_key=key, about=order.subject, now=now,
        )  # fmt: skip
        record(order.subject, "gateway.link_sent", actor=actor, at=now, to=to, amount=due, currency=order.currency)
