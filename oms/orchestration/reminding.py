"""Remind a customer of what is owed, with the link where it can be paid: at most once a day for an order."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from core import formats
from core.actors import Actor
from core.mail import queue_mail
from core.models import OutgoingMail
from core.money import format_money
from core.refusals import Refusal
from core.timeline import record
from fulfillment.queries import tracking_url
from orders.operations import lock_order
from payments.operations.links import pay_url
from payments.owed.methods import offered_methods


def remind(*, order_id: int, actor: Actor, now: datetime) -> None:
    """Queue the reminder. Raises Refusal `nothing_owed`, `no_email`, or `reminded_already` when one went out the same day (UTC)."""
    with transaction.atomic():
        order = lock_order(order_id)
        if order.owed_by_customer <= 0:
            raise Refusal("nothing_owed", _("Nothing is owed for order {number}.").format(number=order.number))
        if not order.email:
            raise Refusal("no_email", _("Order {number} has no e-mail address.").format(number=order.number))
        once = f"payment-reminder:{order.pk}:{now.date().isoformat()}"
        if OutgoingMail.objects.filter(dedupe_key=once).exists():
            raise Refusal(
                "reminded_already", _("Order {number}: a reminder went out today.").format(number=order.number)
            )
        with translation.override(order.language):
            owed = format_money(order.owed_by_customer, order.currency)
            context = {
                "order_number": order.number,
                "name": order.customer_name,
                "owed": owed,
                "due": formats.day(order.payment_due_on) if order.payment_due_on else "",
                "overdue": order.payment_due_on is not None and order.payment_due_on < now.date(),
                "methods": offered_methods(),
                "pay_url": pay_url(order) or tracking_url(order),
            }
        queue_mail(
            to=order.email, template="payment_reminder", context=context, language=order.language, dedupe_key=once,
            about=order.subject, now=now,
        )  # fmt: skip
        record(
            order.subject, "payment.reminded", actor=actor, at=now, amount=order.owed_by_customer, currency=order.currency, to=order.email
        )  # fmt: skip
