"""Look at orders after they were placed: what speaks against them, and whether they can be delivered; holds follow by themselves.

Placing an order asks none of this. It is done by the handler of the event, a moment later, set-based for the whole batch; only an
order that must wait is locked, each in a transaction of its own. What a person decided stands until there is more against the order.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import NotFound, Refusal
from core.timeline import record
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order, release_holds
from orders.models import Hold, Order
from orders.operations import lock_order
from orders.states import HoldKind, Lifecycle
from risk.models import AddressCheck, RiskAssessment
from risk.operations import assess_orders, check_addresses, correct_address, settle_as_is, trace_orders
from risk.queries import current_settings
from risk.states import Decision, Level

RISK = Actor.system("risk")


def screen_orders(*, order_ids: Collection[int], actor: Actor = RISK, now: datetime) -> None:
    """Assess orders and check their addresses; place the holds that follow, and end those whose reason is gone."""
    trace_orders(order_ids)
    assessed = assess_orders(order_ids, actor=actor, now=now)
    checked = check_addresses(order_ids, now=now)
    held = _held_by_us(order_ids)
    for one in assessed:
        if one.must_wait != (f"risk:{one.id}" in held):
            _follow_assessment(one.id, actor=actor, now=now)
    holds_addresses = current_settings().hold_addresses if any(one.undeliverable for one in checked) else False
    for check in checked:
        wanted = check.undeliverable and not check.settled and holds_addresses
        if wanted != (f"address:{check.id}" in held):
            _follow_check(check.id, wanted=wanted, actor=actor, now=now)


def _held_by_us(order_ids: Collection[int]) -> set[str]:
    """Causes of the open holds that screening placed on these orders."""
    kinds = (HoldKind.FRAUD, HoldKind.ADDRESS)
    holds = Hold.objects.filter(order_id__in=order_ids, released_at__isnull=True, kind__in=kinds).exclude(cause="")
    return set(holds.values_list("cause", flat=True))


def _follow_assessment(assessment_id: int, *, actor: Actor, now: datetime) -> None:
    """Hold the order, or let it go, as its assessment says under the order's lock: a person may just have decided."""
    with transaction.atomic():
        order_id = RiskAssessment.objects.values_list("order_id", flat=True).get(pk=assessment_id)
        lock_order(order_id)
        found = RiskAssessment.objects.get(pk=assessment_id)
        if found.level == Level.HOLD and not found.decision:
            _hold(
                order_id,
                HoldKind.FRAUD,
                _("Risk score {score}").format(score=found.score),
                found.cause,
                actor=actor,
                now=now,
            )
        else:
            release_holds(order_id=order_id, cause=found.cause, actor=actor, now=now)


def _follow_check(check_id: int, *, wanted: bool, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        order_id = AddressCheck.objects.values_list("order_id", flat=True).get(pk=check_id)
        lock_order(order_id)
        found = AddressCheck.objects.get(pk=check_id)
        if wanted and found.undeliverable and not found.settled:
            _hold(order_id, HoldKind.ADDRESS, _("It cannot be delivered"), found.cause, actor=actor, now=now)
        else:
            release_holds(order_id=order_id, cause=found.cause, actor=actor, now=now)


def _hold(order_id: int, kind: str, reason: str, cause: str, *, actor: Actor, now: datetime) -> None:
    """Place a hold; an order that is held for that already, or is not open any more, needs none."""
    try:
        with transaction.atomic():
            hold_order(order_id=order_id, kind=kind, reason=reason, cause=cause, actor=actor, now=now)
    except Refusal as refusal:
        if refusal.code not in ("held_already", "not_open"):
            raise


def decide_risk(*, assessment_id: int, accept: bool, reason: str, actor: Actor, now: datetime) -> RiskAssessment:
    """A person's word about a flagged order. Accepted: its hold ends. Rejected: all that can be is cancelled.

    Raises NotFound, Refusal `decided_already`, `nothing_to_decide`, and what cancelling raises: then nothing is decided.
    """
    with transaction.atomic():
        order, found = _lock_assessment(assessment_id)
        if found.decision:
            who = found.decided_label
            raise Refusal("decided_already", _("{who} has decided about it already.").format(who=who))
        if found.level == Level.LOW:
            raise Refusal("nothing_to_decide", _("Nothing speaks against order {number}.").format(number=order.number))
        if order.lifecycle != Lifecycle.OPEN:
            raise Refusal("not_open", _("Order {number} is not open any more.").format(number=order.number))
        found.decision = Decision.ACCEPTED if accept else Decision.REJECTED
        found.decided_score, found.decided_at, found.reason = found.score, now, reason[:200]
        found.decided_by, found.decided_label = actor.ref, actor.label[:120]
        found.save()
        told = {"decision": found.decision, "score": found.score, "reason": found.reason}
        record(order.subject, "risk.decided", actor=actor, at=now, **told)
        if not accept:
            cancel_order(
                order_id=order.pk, units=None, reason=reason or _("Rejected as too risky"), actor=actor, now=now
            )
        release_holds(order_id=order.pk, cause=found.cause, actor=actor, now=now)
        return found


def _lock_assessment(assessment_id: int) -> tuple[Order, RiskAssessment]:
    order_id = RiskAssessment.objects.filter(pk=assessment_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound("no_such_assessment", _("This order was not assessed."))
    order = lock_order(order_id)
    return order, RiskAssessment.objects.select_for_update(no_key=True).get(pk=assessment_id)


def accept_suggestion(*, check_id: int, actor: Actor, now: datetime) -> None:
    """Write the suggested form into the order; its address hold ends where nothing is wrong any more, and its risk is counted anew.

    Raises what risk.operations.correct_address raises.
    """
    order = correct_address(check_id=check_id, actor=actor, now=now)
    screen_orders(order_ids=[order.pk], actor=actor, now=now)


def ship_as_is(*, check_id: int, reason: str, actor: Actor, now: datetime) -> None:
    """The parcel leaves to the address as it is written: a person says so. Its address hold ends."""
    with transaction.atomic():
        order_id = AddressCheck.objects.filter(pk=check_id).values_list("order_id", flat=True).first()
        if order_id is not None:
            lock_order(order_id)
        check = settle_as_is(check_id=check_id, reason=reason, actor=actor, now=now)
        release_holds(order_id=check.order_id, cause=check.cause, actor=actor, now=now)
