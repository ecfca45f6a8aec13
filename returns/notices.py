"""What customers are told about their returns: handlers of the outbox, each mail once, in the customer's language."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from core.actors import Actor
from core.mail import queue_mail
from core.money import format_money
from returns.events import ReturnApproved, ReturnDeclined, ReturnReceived, ReturnRequested, ReturnResolved
from returns.models import Return
from returns.states import ReturnState


def mail_return_requested(event: ReturnRequested, *, actor: Actor, now: datetime) -> None:
    """Somebody will decide; unless that has happened meanwhile."""
    request = _load(event.return_id)
    if request.state == ReturnState.REQUESTED:
        _mail(request, "return_requested", now=now)


def mail_return_approved(event: ReturnApproved, *, actor: Actor, now: datetime) -> None:
    request = _load(event.return_id)
    _mail(request, "return_approved", now=now, kept=request.shipment_id is None, answer=request.answer)


def mail_return_declined(event: ReturnDeclined, *, actor: Actor, now: datetime) -> None:
    request = _load(event.return_id)
    _mail(request, "return_declined", now=now, answer=request.answer)


def mail_return_received(event: ReturnReceived, *, actor: Actor, now: datetime) -> None:
    _mail(_load(event.return_id), "return_received", now=now)


def mail_return_resolved(event: ReturnResolved, *, actor: Actor, now: datetime) -> None:
    """The refund that was made, or that there is none."""
    request = _load(event.return_id)
    refund, order = request.refund, request.order
    amount = format_money(refund.amount, order.currency, order.language) if refund is not None else ""
    _mail(request, "refund_made", now=now, amount=amount)


def _load(return_id: int) -> Return:
    return Return.objects.select_related("order", "refund").get(pk=return_id)


def _mail(request: Return, template: str, *, now: datetime, **context: Any) -> None:
    order = request.order
    lines = request.lines.select_related("order_line").order_by("order_line__position")
    with translation.override(order.language):
        items = [
            f"{line.quantity} × {line.order_line.title} ({line.order_line.sku}), {line.get_reason_display()}"
            for line in lines
        ]
    url = settings.PUBLIC_URL + reverse("tracking-return", args=[order.token, request.number])
    queue_mail(
        to=order.email,
        template=template,
        context={"number": request.number, "order_number": order.number, "items": items, "url": url, **context},
        language=order.language,
        dedupe_key=f"{template}:{request.pk}",
        about=order.subject,
        now=now,
    )
