"""The label of a return: asked for with the approval, bought afterwards, once."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from fulfillment.models import Direction, Shipment
from fulfillment.states import SHIPMENT_MACHINE, ShipmentState
from returns.models import Return


def request_label(request: Return, *, now: datetime) -> Shipment:
    """Write down, in the transaction of the approval, that a label is wanted: from the customer to the return's location."""
    order, location = request.order, request.location
    return Shipment.objects.create(
        order=order,
        direction=Direction.RETURN,
        reference=f"return-{request.pk}",
        carrier="builtin",
        service="standard",
        ship_from=order.shipping_address,
        ship_to=location.address if location else {},
        created_at=now,
    )


def give_up_label(request: Return) -> None:
    """Void the label of a cancelled return: at once when it was never bought, else the carrier is asked to."""
    if request.shipment_id is None:
        return
    shipment = Shipment.objects.select_for_update().get(pk=request.shipment_id)
    action = "void" if shipment.state == ShipmentState.LABEL_REQUESTED else "request_void"
    if shipment.state in SHIPMENT_MACHINE.actions[action].sources:
        shipment.state = SHIPMENT_MACHINE.check(shipment, action)
        shipment.save(update_fields=["state"])


def create_return_label(*, return_id: int, actor: Actor, now: datetime) -> Shipment:
    raise NotImplementedError


def create_waiting_labels(*, now: datetime, limit: int = 20) -> int:
    raise NotImplementedError
