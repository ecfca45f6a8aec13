"""What people set on an order without touching its goods or its money: who works on it, when it is to be paid, whether it is put away.

Each answers what was there before and what is there now, as plain values.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import User
from core.refusals import Invalid, Refusal
from core.timeline import record
from orders.models import Order
from orders.operations.refreshing import lock_order
from orders.states import Lifecycle

#: (before, after)
Was = tuple[Any, Any]


def assign_order(*, order_id: int, person_id: int | None, actor: Actor, now: datetime) -> Was:
    """Give an order to a person to work on (None: to nobody). Raises Invalid (field `person`) for somebody who does not work here."""
    person = User.objects.filter(pk=person_id, is_active=True).first() if person_id else None
    if person_id and person is None:
        raise Invalid("no_such_person", _("There is no such person."), field="person")
    with transaction.atomic():
        order = lock_order(order_id)
        before = order.assignee_id
        if before != person_id:
            _set(order, now, assignee=person)
            label = Actor.user(person).label if person else ""
            record(order.subject, "order.assigned", actor=actor, at=now, person=label)
    return before, person_id


def archive_order(*, order_id: int, archived: bool = True, actor: Actor, now: datetime) -> Was:
    """Put an order away, or take it out again. Raises Refusal `still_open` for one that somebody still has to see to."""
    with transaction.atomic():
        order = lock_order(order_id)
        before = order.archived
        if archived and order.lifecycle == Lifecycle.OPEN:
            raise Refusal("still_open", _("Order {number} is still open.").format(number=order.number))
        if before != archived:
            _set(order, now, archived=archived)
            record(order.subject, "order.archived" if archived else "order.unarchived", actor=actor, at=now)
    return before, archived


def set_payment_due(*, order_id: int, due_on: date | None, actor: Actor, now: datetime) -> Was:
    """Set the day until which the order is to be paid (None: none was agreed)."""
    with transaction.atomic():
        order = lock_order(order_id)
        before = order.payment_due_on
        if before != due_on:
            _set(order, now, payment_due_on=due_on)
            record(order.subject, "order.due", actor=actor, at=now, due=due_on.isoformat() if due_on else "")
    return before.isoformat() if before else None, due_on.isoformat() if due_on else None


def _set(order: Order, now: datetime, **values: Any) -> None:
    for name, value in values.items():
        setattr(order, name, value)
    order.version += 1
    order.updated_at = now
    order.save(update_fields=[*values, "version", "updated_at"])
