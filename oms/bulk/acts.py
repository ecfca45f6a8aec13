"""The acts: each on one order, with plain JSON values as a job keeps them. What can be undone says what was before and what is now."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.actors import Actor
from core.models import User
from core.money import quantize
from core.refusals import Refusal, Stale
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.changing import parse_changes, submit_change
from oms.orchestration.hold_order import hold_order, release_hold, release_holds
from oms.orchestration.route_order import route_order
from orders.models import Hold, Order
from orders.operations import change_tags
from orders.operations.keeping import archive_order, assign_order, set_payment_due
from orders.operations.notes import add_note, remove_note
from payments.operations.paying_back import pay_back

#: What an order was before and what it is now, for the undoing; None where there is nothing to undo.
Trace = tuple[Any, Any] | None


@dataclass(frozen=True, slots=True)
class Act:
    """run(order id, *, actor, now, **params) → Trace. undo(order id, before, after, *, actor, now); None: it cannot be undone.

    outside: it asks somebody outside, and is therefore run beside the transaction of a job's step. It must be safe to run twice.
    """

    title: Any
    run: Callable[..., Trace]
    undo: Callable[..., None] | None = None
    outside: bool = False


def _hold(
    order_id: int, *, kind: str, reason: str, until: str | None, owner: int | None = None, actor: Actor, now: datetime
) -> Trace:
    moment = parse_datetime(until) if until else None
    person = User.objects.filter(pk=owner).first() if owner else None
    hold = hold_order(order_id=order_id, kind=kind, reason=reason, until=moment, owner=person, actor=actor, now=now)
    return None, hold.pk


def _unhold(order_id: int, _before: Any, after: int, *, actor: Actor, now: datetime) -> None:
    if not Hold.objects.filter(pk=after, order_id=order_id, released_at__isnull=True).exists():
        raise Refusal("released_already", _("That hold was released already."))
    release_hold(hold_id=after, actor=actor, now=now)


def _release(order_id: int, *, kinds: Sequence[str] = (), actor: Actor, now: datetime) -> Trace:
    if not release_holds(order_id=order_id, kinds=kinds or None, actor=actor, now=now):
        raise Refusal("not_held", _("It is not on hold for that.") if kinds else _("It is not on hold."))
    return None


def _cancel(order_id: int, *, reason: str, actor: Actor, now: datetime) -> Trace:
    cancel_order(order_id=order_id, units=None, reason=reason, actor=actor, now=now)
    return None


def _tag(order_id: int, *, add: Sequence[str], remove: Sequence[str], actor: Actor, now: datetime) -> Trace:
    with transaction.atomic():
        before = _tags_of(order_id)
        outcome = change_tags(order_ids=[order_id], add=add, remove=remove, actor=actor, now=now)
        for _number, reason in outcome.refused:
            raise Refusal("tags_refused", reason)
        return before, _tags_of(order_id)


def _untag(order_id: int, before: list[str], after: list[str], *, actor: Actor, now: datetime) -> None:
    _still(_tags_of(order_id), after)
    add, remove = [t for t in before if t not in after], [t for t in after if t not in before]
    change_tags(order_ids=[order_id], add=add, remove=remove, actor=actor, now=now)


def _tags_of(order_id: int) -> list[str]:
    return list(Order.objects.values_list("tags", flat=True).get(pk=order_id))


def _note(order_id: int, *, text: str, author: int, actor: Actor, now: datetime) -> Trace:
    note = add_note(order_id=order_id, text=text, user=User.objects.get(pk=author), now=now)
    return None, note.pk


def _unnote(order_id: int, _before: Any, after: int, *, actor: Actor, now: datetime) -> None:
    remove_note(order_id=order_id, note_id=after, actor=actor, now=now)


def _archive(order_id: int, *, archived: bool, actor: Actor, now: datetime) -> Trace:
    return archive_order(order_id=order_id, archived=archived, actor=actor, now=now)


def _unarchive(order_id: int, before: bool, after: bool, *, actor: Actor, now: datetime) -> None:
    _still(Order.objects.values_list("archived", flat=True).get(pk=order_id), after)
    archive_order(order_id=order_id, archived=before, actor=actor, now=now)


def _assign(order_id: int, *, person: int | None, actor: Actor, now: datetime) -> Trace:
    return assign_order(order_id=order_id, person_id=person, actor=actor, now=now)


def _unassign(order_id: int, before: int | None, after: int | None, *, actor: Actor, now: datetime) -> None:
    _still(Order.objects.values_list("assignee_id", flat=True).get(pk=order_id), after)
    assign_order(order_id=order_id, person_id=before, actor=actor, now=now)


def _due(order_id: int, *, due: str | None, actor: Actor, now: datetime) -> Trace:
    day = date.fromisoformat(due) if due else None
    return set_payment_due(order_id=order_id, due_on=day, actor=actor, now=now)


def _undue(order_id: int, before: str | None, after: str | None, *, actor: Actor, now: datetime) -> None:
    day = Order.objects.values_list("payment_due_on", flat=True).get(pk=order_id)
    _still(day.isoformat() if day else None, after)
    set_payment_due(order_id=order_id, due_on=date.fromisoformat(before) if before else None, actor=actor, now=now)


def _ship_by_method(order_id: int, *, method: str, actor: Actor, now: datetime) -> Trace:
    """Another shipping method at the price that was agreed; a change order like any other, so that it is told to everybody."""
    with transaction.atomic():
        order = Order.objects.select_for_update(of=("self",), no_key=True).get(pk=order_id)
        before = order.shipping_method
        if before != method:
            _change_method(order, method, actor=actor, now=now)
    return before, method


def _change_method(order: Order, method: str, *, actor: Actor, now: datetime) -> None:
    changes = parse_changes([{"kind": "change_shipping", "method": method}])
    submit_change(
        order_id=order.pk, changes=changes, version=order.version, key=secrets.token_urlsafe(16), actor=actor, now=now
    )


def _unship(order_id: int, before: str, after: str, *, actor: Actor, now: datetime) -> None:
    order = Order.objects.select_for_update(of=("self",), no_key=True).get(pk=order_id)
    _still(order.shipping_method, after)
    if before != after:
        _change_method(order, before, actor=actor, now=now)


def _route(order_id: int, *, again: bool, actor: Actor, now: datetime) -> Trace:
    plan = route_order(order_id=order_id, cause="rerouted", again=again, actor=actor, now=now)
    if plan is None:
        raise Refusal("nothing_to_route", _("Every unit has its place."))
    return None


def _refund(order_id: int, *, everything: bool, reason: str, key: str, actor: Actor, now: datetime) -> Trace:
    """Pay back what the customer paid too much, or everything that is left of what was paid."""
    order = Order.objects.get(pk=order_id)
    left = order.captured_total - order.refunded_total if everything else order.owed_to_customer
    amount = quantize(max(left, Decimal(0)), order.currency)
    if not amount:
        raise Refusal("nothing_to_refund", _("Nothing is to be paid back."))
    done = pay_back(order_id=order_id, amount=amount, reason=reason, key=f"{key}:{order_id}", actor=actor, now=now)
    if done.refused:
        raise Refusal("gateway_refused", done.refused[0].answer or _("The gateway refused it."))
    return None


def _still(now_there: Any, after: Any) -> None:
    """What somebody else changed since is not taken back."""
    if now_there != after:
        raise Stale("changed_since", _("It was changed by somebody since."))


ACTS: dict[str, Act] = {
    "hold": Act(gettext_lazy("Hold orders"), _hold, _unhold),
    "release": Act(gettext_lazy("Release orders"), _release),
    "cancel": Act(gettext_lazy("Cancel orders"), _cancel),
    "tag": Act(gettext_lazy("Tag orders"), _tag, _untag),
    "note": Act(gettext_lazy("Write a note on orders"), _note, _unnote),
    "archive": Act(gettext_lazy("Archive orders"), _archive, _unarchive),
    "assign": Act(gettext_lazy("Assign orders"), _assign, _unassign),
    "due": Act(gettext_lazy("Change when orders are to be paid"), _due, _undue),
    "method": Act(gettext_lazy("Change the shipping method of orders"), _ship_by_method, _unship),
    "route": Act(gettext_lazy("Route orders"), _route),
    "refund": Act(gettext_lazy("Refund orders"), _refund, outside=True),
}
