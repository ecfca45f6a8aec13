"""What returns do when money went back: thin handlers over use cases, each safe to run twice."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from core.outbox import own_transactions
from oms.orchestration.settle_return import close_refunded
from orders.events import RefundRecorded
from orders.models import Refund
from returns.models import Return
from returns.states import RETURN_MACHINE, ReturnState

_PAYMENTS = Actor.system("payments")


@own_transactions
def close_refunded_return(event: RefundRecorded, *, actor: Actor, now: datetime) -> None:
    """A return whose refund was not known for a while is closed once it is."""
    refund = Refund.objects.get(pk=event.refund_id)
    kind, _colon, number = refund.cause.partition(":")
    if kind != "return" or refund.key != refund.cause or not number.isdigit():
        return
    found = Return.objects.filter(pk=int(number)).first()
    if found is not None and found.state != ReturnState.RESOLVED and RETURN_MACHINE.why_not(found, "resolve") is None:
        close_refunded(return_id=found.pk, amount=refund.amount, actor=_PAYMENTS, now=now)
