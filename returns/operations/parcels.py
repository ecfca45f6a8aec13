"""The parcel of a return: on its way when the carrier first reports it, at its end when its goods are received."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from core.actors import Actor
from fulfillment.carriers import registered
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.models import Package, Shipment
from fulfillment.operations.tracking import MOVING, STATE_OF_CODE, record_tracking
from fulfillment.states import SHIPMENT_MACHINE, ShipmentState
from returns.models import Return
from returns.operations.locking import check_move, lock_return, record, refresh_returning, write_return
from returns.states import ReturnState

PAST = (ReturnState.IN_TRANSIT, ReturnState.RECEIVED, ReturnState.INSPECTED, ReturnState.RESOLVED)


def mark_in_transit(*, return_id: int, actor: Actor, now: datetime) -> Return:
    """The parcel was handed to the carrier. A return that is further already stays as it is."""
    with transaction.atomic():
        locked = lock_return(return_id)
        if locked.request.state in PAST:
            return locked.request
        state = check_move(locked, "send")
        hand_over(locked.request.shipment_id, now=now)
        write_return(locked, state=state)
        refresh_returning(locked.order, now=now)
        record(locked, "return.in_transit", actor=actor, now=now)
        return locked.request


def hand_over(shipment_id: int | None, *, now: datetime) -> None:
    """The shipment left its sender; from here the carriers' reports move it on."""
    shipment = _locked(shipment_id)
    if shipment is not None and shipment.state == ShipmentState.LABEL_PURCHASED:
        shipment.state = SHIPMENT_MACHINE.check(shipment, "hand_over")
        shipment.handed_over_at = now
        shipment.save(update_fields=["state", "handed_over_at"])


def end_of_way(shipment_id: int | None, *, now: datetime) -> None:
    """The goods are here, so the shipment is delivered, whatever its carrier has reported."""
    hand_over(shipment_id, now=now)
    shipment = _locked(shipment_id)
    if shipment is not None and shipment.state in MOVING:
        shipment.state = SHIPMENT_MACHINE.check(shipment, "deliver")
        shipment.delivered_at = now
        shipment.save(update_fields=["state", "delivered_at"])


def _locked(shipment_id: int | None) -> Shipment | None:
    return Shipment.objects.select_for_update(no_key=True).get(pk=shipment_id) if shipment_id else None


def follow_return_parcels(*, actor: Actor, now: datetime, limit: int = 200) -> int:
    """Ask the carriers about bought return labels; a first report says that the customer has handed the parcel over.

    The number of parcels that began to move. Those on their way are followed with all others (fulfillment's ask_carriers).
    Not for use inside a transaction.
    """
    begun = 0
    for code, carrier in registered().items():
        waiting = _waiting(code, limit)
        reports = carrier.track(list(waiting)) if waiting else {}
        for number, (return_id, shipment_id) in waiting.items():
            moving = [update for update in reports.get(number, []) if update.code in STATE_OF_CODE]
            if moving:
                _begin(return_id, shipment_id, moving, actor=actor, now=now)
                begun += 1
        Shipment.objects.filter(pk__in=[shipment_id for _return, shipment_id in waiting.values()]).update(asked_at=now)
    return begun


def _waiting(carrier_code: str, limit: int) -> dict[str, tuple[int, int]]:
    """Tracking number → (return id, shipment id) of labels not yet used, the least recently asked about first."""
    rows = Package.objects.filter(
        shipment__carrier=carrier_code,
        shipment__state=ShipmentState.LABEL_PURCHASED,
        shipment__return_request__state=ReturnState.APPROVED,
    ).order_by(F("shipment__asked_at").asc(nulls_first=True), "shipment_id")
    found = rows.values_list("tracking_number", "shipment__return_request__id", "shipment_id")[:limit]
    return {number: (return_id, shipment_id) for number, return_id, shipment_id in found}


def _begin(return_id: int, shipment_id: int, updates: list[TrackingUpdate], *, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        mark_in_transit(return_id=return_id, actor=actor, now=now)
        record_tracking(shipment_id=shipment_id, updates=updates, actor=actor, now=now)
