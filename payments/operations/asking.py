"""What is not known is asked for: after a lost answer, a webhook, the customer's return, at a person's wish, and by the sweeper."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from payments.gateways.base import Refused, Snapshot, Started, Unknown
from payments.models import GatewayCall, PaymentIntent
from payments.operations import facts
from payments.operations.accounts import gateway_of
from payments.operations.calling import ask_for_confirm, held_of, locked_intent, send
from payments.states import OPEN_CALLS, CallKind, CallState, IntentState

log = logging.getLogger(__name__)
#: A call that the gateway still knows nothing of after this time never reached it: calls last half a minute at most.
NEVER_ARRIVED = timedelta(minutes=3)
SWEEP = 50
_SYSTEM = Actor.system("payments")


def ask(*, intent_id: int, now: datetime) -> PaymentIntent:
    """Ask the gateway for everything about a payment and work it in. Not inside a transaction.

    Calls whose outcome is open are settled by what is seen, or refused as never arrived once that is certain. What the customer
    agreed to is confirmed. Raises Refusal `not_known` when the gateway does not answer now.
    """
    intent = PaymentIntent.objects.select_related("account").get(pk=intent_id)
    seen, lost = _look(intent, now=now)
    with transaction.atomic():
        intent = locked_intent(intent_id)
        if seen is not None:
            intent = facts.apply_snapshot(intent, seen, now=now)
        elif isinstance(lost, Started):
            _found_again(intent, lost, now=now)
        _give_up_what_never_arrived(intent, now=now)
    if seen is not None and seen.state == "approved" and intent.state == IntentState.REQUIRES_ACTION:
        return _confirm(intent_id, now=now)
    return intent


def _look(intent: PaymentIntent, *, now: datetime) -> tuple[Snapshot | None, Started | None]:
    """What the gateway knows; or, where we have no name of it to ask by, what became of setting it up."""
    gateway = gateway_of(intent.account)
    try:
        if intent.parent or intent.reference:
            return gateway.fetch(held_of(intent)), None
        return None, gateway.find(held_of(intent), intent.created_at)
    except (Refused, Unknown) as error:
        PaymentIntent.objects.filter(pk=intent.pk).update(look_at=now + facts.LOOK_AT_WAITING)
        message = _("The gateway does not answer now: {answer}").format(answer=str(error)[:200])
        raise Refusal("not_known", message) from error


def _found_again(intent: PaymentIntent, started: Started, *, now: datetime) -> None:
    call = intent.calls.filter(kind=CallKind.CREATE, state__in=sorted(OPEN_CALLS)).first()
    if call is not None:
        call.intent = intent
        facts.apply_started(call, started, now=now)


def _give_up_what_never_arrived(intent: PaymentIntent, *, now: datetime) -> None:
    """The gateway has answered and knows nothing of these calls, though they were made long ago: they were not done."""
    for call in intent.calls.filter(state__in=sorted(OPEN_CALLS), created_at__lte=now - NEVER_ARRIVED):
        if call.reference and call.kind == CallKind.REFUND:
            continue  # known there, and not finished yet
        call.intent = intent
        facts.refuse_call(call, "never_arrived", _("It never reached the gateway. It can be done again."), now=now)


def _confirm(intent_id: int, *, now: datetime) -> PaymentIntent:
    """The customer agreed: take it, then see what came of it."""
    call, new = ask_for_confirm(intent_id=intent_id, actor=_SYSTEM, now=now)
    if new:
        call = send(call, now=now)
        if call.state == CallState.SUCCEEDED:
            return ask(intent_id=intent_id, now=now)
    return PaymentIntent.objects.select_related("account").get(pk=intent_id)


def sweep(*, now: datetime) -> int:
    """Ask for payments that are due for a look, oldest first; the number asked for. One that fails stops no other."""
    due = PaymentIntent.objects.filter(look_at__lte=now).order_by("look_at").values_list("pk", flat=True)[:SWEEP]
    asked = 0
    for pk in list(due):
        try:
            ask(intent_id=pk, now=now)
            asked += 1
        except Refusal as refusal:
            log.info("payment %s is not known yet: %s", pk, refusal.code)
            PaymentIntent.objects.filter(pk=pk, look_at__lte=now).update(look_at=now + facts.LOOK_AT_WAITING)
    return asked


def open_calls_of(intent: PaymentIntent) -> list[GatewayCall]:
    """Calls whose outcome is open, oldest first."""
    return list(intent.calls.filter(state__in=sorted(OPEN_CALLS)).order_by("pk"))
