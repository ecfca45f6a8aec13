"""What a gateway says happened is worked into our rows and the order's books: each fact once, whoever brings it, in any order.

Everything here runs under the order's lock. Amounts at the gateway only grow, captures and refunds have names: an answer that was
overtaken by a newer one adds nothing, and one that comes twice neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from core.timeline import record
from orders.models import PaymentRecord
from orders.operations import record_payment, record_refund
from orders.operations.payments import record_void
from payments.gateways.base import SeenRefund, Snapshot, Started
from payments.models import GatewayCall, PaymentIntent
from payments.states import CALL_MACHINE, CLOSED, HOLDING, INTENT_MACHINE, OPEN_CALLS, WAITING, CallKind, CallState

#: When the sweeper looks again of its own accord; webhooks are faster, but may be lost.
LOOK_AT_WAITING = timedelta(minutes=10)
LOOK_AT_HELD = timedelta(hours=12)
LOOK_AT_OPEN = timedelta(minutes=1)


class OfAnother(Refusal):
    """The gateway's payment belongs to something else."""


def apply_snapshot(intent: PaymentIntent, seen: Snapshot, *, now: datetime) -> PaymentIntent:
    """Work everything the gateway knows into a payment whose order is locked. Raises OfAnother, and nothing is changed then."""
    if seen.currency != intent.currency or (seen.key and seen.key != intent.key):
        raise OfAnother("of_another_payment", _("The gateway says that this payment belongs to something else."))
    if seen.reference and not intent.reference:
        intent.reference = seen.reference
    intent.parts, intent.method = seen.parts, seen.method or intent.method
    if seen.expires_at or seen.state != "waiting":
        intent.expires_at = seen.expires_at  # of what is held; the page to pay has no say any more
    open_calls = list(intent.calls.filter(state__in=sorted(OPEN_CALLS)).order_by("pk"))
    _authorize(intent, seen.authorized, now=now)
    _captures(intent, seen, open_calls, now=now)
    if seen.released > intent.released:
        release(intent, min(seen.released - intent.released, intent.held), now=now)
    for refund in seen.refunds:
        _refund_seen(intent, refund, open_calls, now=now)
    for call in open_calls:
        if call.state in OPEN_CALLS and _came_about(call, seen):
            close_call(call, "succeed", reference=intent.reference, now=now)
    intent.failure = seen.failure if seen.state in ("waiting", "failed") else ""
    _move(intent, seen.state)
    intent.asked_at = now
    save_intent(intent, now=now)
    return intent


def _came_about(call: GatewayCall, seen: Snapshot) -> bool:
    """Whether a set-up, confirmation or release is seen to have happened."""
    if call.kind == CallKind.CANCEL:
        return seen.state in ("cancelled", "captured", "failed")
    if call.kind == CallKind.CONFIRM:
        return seen.state not in ("waiting", "approved")
    return call.kind == CallKind.CREATE


def apply_started(call: GatewayCall, started: Started, *, now: datetime) -> None:
    """The customer has a place to pay."""
    intent = call.intent
    intent.parent, intent.pay_url, intent.expires_at = started.parent, started.url, started.expires_at
    intent.reference = started.reference or intent.reference
    close_call(call, "succeed", reference=started.parent, now=now)
    _move(intent, "waiting")
    save_intent(intent, now=now)


def apply_capture(call: GatewayCall, reference: str, *, now: datetime) -> None:
    """A capture of ours was done."""
    intent = call.intent
    close_call(call, "succeed", reference=reference, now=now)
    _take(intent, call, now=now)
    if call.final and intent.held > 0:
        release(intent, intent.held, now=now)
    _move(intent, "captured" if intent.held <= 0 else "authorized")
    save_intent(intent, now=now)


def apply_refund(call: GatewayCall, seen: SeenRefund, *, now: datetime) -> None:
    """A refund of ours was done, or is waiting at the gateway, or failed there."""
    _refund_seen(call.intent, seen, [call], now=now)
    save_intent(call.intent, now=now)


def apply_cancel(call: GatewayCall, *, now: datetime) -> None:
    """What was held is let go, or the page to pay is closed."""
    intent = call.intent
    close_call(call, "succeed", reference="", now=now)
    if intent.held > 0:
        release(intent, intent.held, now=now)
    _move(intent, "captured" if intent.captured else "cancelled")
    save_intent(intent, now=now)


def refuse_call(call: GatewayCall, code: str, text: str, *, now: datetime) -> None:
    """A call was not done and will not be. The order's history says so where money was meant to move."""
    close_call(call, "refuse", now=now, code=code, answer=text)
    intent = call.intent
    if call.kind == CallKind.CREATE:
        intent.failure = text[:200]
        _move(intent, "failed")
    if call.kind in (CallKind.CAPTURE, CallKind.REFUND):
        record(
            intent.order.subject, f"gateway.{call.kind}_refused", actor=actor_of(call), at=now, amount=call.amount,
            currency=intent.currency, gateway=intent.account.name, answer=text,
        )  # fmt: skip
    save_intent(intent, now=now)


def lose_call(call: GatewayCall, text: str, *, now: datetime) -> None:
    """Nobody can say whether it was done. From now on it is asked for."""
    close_call(call, "lose", now=now, answer=text)
    save_intent(call.intent, now=now)


def close_call(
    call: GatewayCall, action: str, *, now: datetime, reference: str = "", code: str = "", answer: str = ""
) -> None:
    """Move a call on and store it."""
    call.state = CALL_MACHINE.check(call, action)
    call.reference, call.code, call.answer = reference[:120], code[:60], answer[:300]
    call.finished_at = None if call.state in OPEN_CALLS else now
    call.save(update_fields=["state", "reference", "code", "answer", "finished_at"])


def release(intent: PaymentIntent, amount: Decimal, *, now: datetime) -> None:
    """Count authorised money as let go, here and in the order's books."""
    if amount <= 0:
        return
    intent.released += amount
    if intent.manual:
        record_void(
            order_id=intent.order_id, amount=amount, method=intent.account.name, actor=gateway_actor(intent), now=now
        )


def save_intent(intent: PaymentIntent, *, now: datetime) -> None:
    """Store the payment, and when to look at it again."""
    intent.look_at = _look_again(intent, now)
    intent.save()


def _look_again(intent: PaymentIntent, now: datetime) -> datetime | None:
    oldest = intent.calls.filter(state__in=sorted(OPEN_CALLS)).order_by("created_at").first()
    if oldest is not None:
        return now + (LOOK_AT_OPEN if now - oldest.created_at < timedelta(hours=1) else timedelta(hours=1))
    if intent.state in WAITING:
        return now + LOOK_AT_WAITING
    return now + LOOK_AT_HELD if intent.state in HOLDING else None


def actor_of(call: GatewayCall) -> Actor:
    """Who asked for a call."""
    kind, _colon, key = call.actor.partition(":")
    return Actor(kind, key, call.actor_label)


def gateway_actor(intent: PaymentIntent) -> Actor:
    """Who brings what nobody here asked for."""
    return Actor("system", "gateway", intent.account.name)


def _authorize(intent: PaymentIntent, authorized: Decimal, *, now: datetime) -> None:
    more = authorized - intent.authorized
    if more <= 0:
        return
    intent.authorized = authorized
    if intent.manual:
        record_payment(
            order_id=intent.order_id,
            amount=more,
            method=_method(intent),
            reference=intent.reference,
            key=f"{intent.key}:authorized:{authorized.normalize():f}",
            kind=PaymentRecord.Kind.AUTHORIZATION,
            settled=True,
            actor=gateway_actor(intent),
            now=now,
        )


def _captures(intent: PaymentIntent, seen: Snapshot, open_calls: Iterable[GatewayCall], *, now: datetime) -> None:
    """Every capture the gateway knows and we do not: ours that was under way, or one that was made there."""
    waiting = [call for call in open_calls if call.kind == CallKind.CAPTURE]
    if seen.captures is None:
        more = seen.captured - intent.captured
        if more > 0:
            ours = next((call for call in waiting if call.amount == more), None)
            _capture_seen(intent, ours, more, seen.reference, now=now)
        return
    known = set(
        intent.calls.filter(kind=CallKind.CAPTURE, state=CallState.SUCCEEDED).values_list("reference", flat=True)
    )
    for capture in seen.captures:
        if capture.reference not in known:
            ours = next((call for call in waiting if call.key == capture.key and call.amount == capture.amount), None)
            _capture_seen(intent, ours, capture.amount, capture.reference, now=now)


def _capture_seen(
    intent: PaymentIntent, ours: GatewayCall | None, amount: Decimal, reference: str, *, now: datetime
) -> None:
    if ours is None:
        ours = _found(intent, CallKind.CAPTURE, amount, reference, key=f"{intent.key}:{intent.captured}", now=now)
    else:
        close_call(ours, "succeed", reference=reference, now=now)
    _take(intent, ours, now=now)


def _take(intent: PaymentIntent, call: GatewayCall, *, now: datetime) -> None:
    """Captured money, here and in the order's books."""
    amount = call.amount or Decimal(0)
    intent.captured += amount
    intent.authorized = max(intent.authorized, intent.captured + intent.released)
    record_payment(
        order_id=intent.order_id,
        amount=amount,
        method=_method(intent),
        reference=call.reference or intent.reference,
        key=call.key,
        settled=True,
        actor=actor_of(call),
        now=now,
    )


def _refund_seen(intent: PaymentIntent, seen: SeenRefund, open_calls: Iterable[GatewayCall], *, now: datetime) -> None:
    known = intent.calls.filter(kind=CallKind.REFUND, reference=seen.reference, state=CallState.SUCCEEDED).first()
    if known is not None:
        if seen.state == "failed" and not known.code:
            _came_back(intent, known, now=now)
        return
    ours = next((c for c in open_calls if c.kind == CallKind.REFUND and seen.key in (c.key, "")
                 and (c.key == seen.key or c.reference == seen.reference)), None)  # fmt: skip
    if seen.state == "waiting":
        if ours is not None:
            close_call(ours, "lose", reference=seen.reference, now=now, answer=_("The gateway is still at it."))
        return
    if seen.state == "failed":
        if ours is not None:
            refuse_call(ours, "failed", _("The gateway could not pay it back."), now=now)
        return
    if ours is None:
        ours = _found(intent, CallKind.REFUND, seen.amount, seen.reference, key=f"seen:{seen.reference}", now=now)
        ours.target = seen.capture
        ours.save(update_fields=["target"])
    else:
        close_call(ours, "succeed", reference=seen.reference, now=now)
    _give_back(intent, ours, now=now)


def _give_back(intent: PaymentIntent, call: GatewayCall, *, now: datetime) -> None:
    """Refunded money, here and in the order's books."""
    amount = call.amount or Decimal(0)
    intent.refunded += amount
    purpose: dict[str, Any] = call.purpose
    record_refund(
        order_id=intent.order_id,
        amount=amount,
        reason=purpose.get("reason") or _("Paid back at the gateway"),
        cause=purpose.get("cause", ""),
        key=purpose.get("key") or call.key,
        lines={int(line): units for line, units in (purpose.get("lines") or {}).items()},
        settled=True,
        actor=actor_of(call),
        now=now,
    )


def _came_back(intent: PaymentIntent, call: GatewayCall, *, now: datetime) -> None:
    """A refund that was done failed days later (the customer's bank sent it back): a person must pay it in another way."""
    call.code, call.answer = "came_back", _("The customer's bank sent it back. Pay it in another way.")
    call.save(update_fields=["code", "answer"])
    record(
        intent.order.subject, "gateway.refund_came_back", actor=gateway_actor(intent), at=now, amount=call.amount,
        currency=intent.currency, gateway=intent.account.name,
    )  # fmt: skip


def _found(
    intent: PaymentIntent, kind: str, amount: Decimal, reference: str, *, key: str, now: datetime
) -> GatewayCall:
    """A row for what was done without us."""
    actor = gateway_actor(intent)
    return GatewayCall.objects.create(
        intent=intent, kind=kind, key=key[:120], amount=amount, state=CallState.SUCCEEDED, reference=reference[:120],
        ours=False, actor=actor.ref, actor_label=actor.label[:120], created_at=now, finished_at=now,
    )  # fmt: skip


def _method(intent: PaymentIntent) -> str:
    return " · ".join(part for part in (intent.account.name, intent.method) if part)[:60]


_MOVES = {"waiting": "await_customer", "approved": "await_customer", "cancelled": "cancel", "failed": "fail"}


def _move(intent: PaymentIntent, told: str) -> None:
    """Follow the gateway's word forwards; an older word leads nowhere."""
    if told == "authorized":
        action = "capture_part" if intent.captured else "authorize"
    elif told == "captured" or (told in ("cancelled", "failed") and intent.captured):
        action = "capture"
    else:
        action = _MOVES[told]
    if INTENT_MACHINE.why_not(intent, action) is None:
        intent.state = INTENT_MACHINE.check(intent, action)
        if intent.state in CLOSED:
            intent.pay_url = ""
