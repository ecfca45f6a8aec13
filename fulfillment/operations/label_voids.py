"""Labels that will never travel are given back to the carrier, so that nobody pays for them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core import timeline
from core.actors import Actor
from fulfillment.models import Direction, FulfillmentOrder, Package, Shipment
from fulfillment.operations.label_outcomes import NEVER_LEAVES
from fulfillment.operations.purchases import void_with_carrier
from fulfillment.states import SHIPMENT_MACHINE, ShipmentState


def void_unused_labels(*, actor: Actor, now: datetime, limit: int = 50) -> int:
    """Give back the labels of work orders that were cancelled or closed, and those marked for it; the number given back.

    A label whose voiding the carrier does not confirm stays marked and is tried again.
    """
    voided = 0
    for shipment in _mark_unused(limit):
        numbers = list(Package.objects.filter(shipment=shipment).values_list("tracking_number", flat=True))
        if all(void_with_carrier(shipment, number) for number in numbers):
            voided += _write_void(shipment.pk, numbers, actor=actor, now=now)
    return voided


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
        shipment = Shipment.objects.select_for_update(no_key=True).get(pk=shipment_id)
        if shipment.state != ShipmentState.VOID_REQUESTED:
            return False
        shipment.state = SHIPMENT_MACHINE.check(shipment, "void")
        shipment.save(update_fields=["state"])
        work_order = FulfillmentOrder.objects.filter(pk=shipment.fulfillment_order_id or 0)
        work_order.update(has_label=False)
        number = work_order.values_list("number", flat=True).first() or shipment.reference
        timeline.record(
            f"order:{shipment.order_id}",
            "label.voided",
            actor=actor,
            at=now,
            shipment_id=shipment.pk,
            fulfillment_order=number,
            tracking_number=", ".join(tracking_numbers),
        )
        return True
