"""Labels that will never travel are given back to the carrier, so that nobody pays for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core import timeline
from core.actors import Actor
from core.refusals import Refusal
from fulfillment.models import Direction, FulfillmentOrder, Package, Shipment
from fulfillment.operations.label_outcomes import NEVER_LEAVES
from fulfillment.operations.purchases import void_with_carrier
from fulfillment.states import SHIPMENT_MACHINE, ShipmentState


def void_unused_labels(*, actor: Actor, now: datetime, limit: int = 50) -> int:
    """Give back the labels of work orders that were cancelled or closed, and those marked for it; the number given back.

    A label whose voiding the carrier does not confirm stays marked and is tried again.
    """
    return sum(_give_back(shipment, actor=actor, now=now) for shipment in _mark_unused(limit))


def void_marked(shipment_ids: Sequence[int], *, actor: Actor, now: datetime) -> int:
    """Give back these labels, which are marked for it, without waiting for the sweep; the number that the carrier confirmed.

    Not for use inside a transaction.
    """
    marked = Shipment.objects.filter(pk__in=shipment_ids, state=ShipmentState.VOID_REQUESTED)
    return sum(_give_back(shipment, actor=actor, now=now) for shipment in marked.order_by("pk"))


def mark_void(fulfillment_order_ids: Sequence[int], *, now: datetime) -> list[int]:
    """Mark the labels of locked work orders as given back, for what travels otherwise now; ids of the shipments.

    Raises Refusal `label_being_bought` where the carrier was asked for one and has not answered: nobody knows yet whether it exists.
    """
    rows = Shipment.objects.select_for_update(of=("self",), no_key=True).filter(
        fulfillment_order__in=fulfillment_order_ids,
        direction=Direction.OUTBOUND,
        state__in=(ShipmentState.LABEL_REQUESTED, ShipmentState.LABEL_PURCHASED),
    )
    marked = []
    for shipment in rows.select_related("fulfillment_order").order_by("pk"):
        if shipment.state == ShipmentState.LABEL_REQUESTED:
            number = shipment.fulfillment_order.number if shipment.fulfillment_order else shipment.reference
            message = _("The label of {number} was asked for and the carrier has not answered yet. Print it first.")
            raise Refusal("label_being_bought", message.format(number=number))
        shipment.state = SHIPMENT_MACHINE.check(shipment, "request_void")
        shipment.save(update_fields=["state"])
        marked.append(shipment.pk)
    return marked


def _give_back(shipment: Shipment, *, actor: Actor, now: datetime) -> bool:
    numbers = list(Package.objects.filter(shipment=shipment).values_list("tracking_number", flat=True))
    confirmed = all(void_with_carrier(shipment, number) for number in numbers)
    return confirmed and _write_void(shipment.pk, numbers, actor=actor, now=now)


def _mark_unused(limit: int) -> list[Shipment]:
    """Mark what is to be voided; all that is marked, oldest first."""
    with transaction.atomic():
        unused = Shipment.objects.select_for_update(of=("self",), skip_locked=True).filter(
            state=ShipmentState.LABEL_PURCHASED,
            direction=Direction.OUTBOUND,
            fulfillment_order__state__in=NEVER_LEAVES,
        )
        for shipment in unused.order_by("pk")[:limit]:
            shipment.state = SHIPMENT_MACHINE.check(shipment, "request_void")
            shipment.save(update_fields=["state"])
    return list(Shipment.objects.filter(state=ShipmentState.VOID_REQUESTED).order_by("pk")[:limit])


def _write_void(shipment_id: int, tracking_numbers: list[str], *, actor: Actor, now: datetime) -> bool:
    with transaction.atomic():
        own = Shipment.objects.filter(pk=shipment_id).values("fulfillment_order_id")
        work_order = FulfillmentOrder.objects.select_for_update(no_key=True).filter(pk__in=own).first()
        shipment = Shipment.objects.select_for_update(no_key=True).get(pk=shipment_id)
        if shipment.state != ShipmentState.VOID_REQUESTED:
            return False
        shipment.state = SHIPMENT_MACHINE.check(shipment, "void")
        shipment.save(update_fields=["state"])
        if work_order is not None and work_order.state in NEVER_LEAVES:
            FulfillmentOrder.objects.filter(pk=work_order.pk).update(has_label=False)
        timeline.record(
            f"order:{shipment.order_id}",
            "label.voided",
            actor=actor,
            at=now,
            shipment_id=shipment.pk,
            fulfillment_order=work_order.number if work_order else shipment.reference,
            tracking_number=", ".join(tracking_numbers),
        )
        return True
