"""Ways of paying that people record by hand; and orders whose money is collected at delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from orders.operations import lock_order
from orders.states import Lifecycle
from payments.models import Collection, MethodKind, PaymentMethod

SUBJECT = "payment_methods:1"


def save_method(*, method_id: int | None, values: dict[str, Any], actor: Actor, now: datetime) -> PaymentMethod:
    """Add or change a way of paying. Raises Invalid for a name that is taken (field ``name``), NotFound."""
    if values["kind"] not in MethodKind.values or not values["name"].strip():
        raise Invalid("bad_method", _("Give a name and a kind."), field="name")
    try:
        with transaction.atomic():
            method = (
                PaymentMethod()
                if method_id is None
                else PaymentMethod.objects.select_for_update().filter(pk=method_id).first()
            )
            if method is None:
                raise NotFound("no_such_method", _("There is no such method."))
            changed = {
                name: [str(getattr(method, name)), str(value)]
                for name, value in values.items()
                if getattr(method, name) != value
            }
            for name, value in values.items():
                setattr(method, name, value)
            method.save()
            if changed:
                record(SUBJECT, "payment_method.saved", actor=actor, at=now, name=method.name, changes=changed)
            return method
    except IntegrityError:
        raise Invalid("name_taken", _("There is a method of this name."), field="name") from None


def agree_collection(*, order_id: int, method: str, actor: Actor, now: datetime) -> Collection:
    """Note that what is owed for an order is collected when it is delivered. A second time changes nothing.

    Raises Refusal `nothing_owed`, `not_open`, or Invalid (field ``method``) for a method of another kind. Its payment hold is not
    this app's: oms.orchestration releases it.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        known = Collection.objects.filter(order=order).first()
        if known is not None:
            return known
        if order.lifecycle != Lifecycle.OPEN:
            raise Refusal("not_open", _("Order {number} is not open any more.").format(number=order.number))
        if order.owed_by_customer <= 0:
            raise Refusal("nothing_owed", _("Nothing is owed for order {number}.").format(number=order.number))
        if not PaymentMethod.objects.filter(name=method, kind=MethodKind.CASH_ON_DELIVERY, active=True).exists():
            raise Invalid("bad_method", _("Choose a way of paying at delivery."), field="method")
        made = Collection.objects.create(order=order, method=method, actor=actor.ref, agreed_at=now)
        record(order.subject, "payment.collection_agreed", actor=actor, at=now, method=method)
        return made
