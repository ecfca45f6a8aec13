"""The label of a return: asked for with the approval, bought and drawn afterwards, once.

The intent is a shipment row, committed with the approval. Buying is fulfillment's own (exactly once by reference, never inside a
transaction); what is added here is the drawn paper. Whatever is interrupted is found by the sweep.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from core import timeline
from core.actors import Actor
from core.paper.weasy import PdfUnavailable
from core.refusals import NotFound, Refusal, Unavailable
from fulfillment.documents.labels import Label
from fulfillment.documents.render import label_hash, render_labels
from fulfillment.models import Direction, Document, DocumentKind, Shipment
from fulfillment.operations.labels import buy_return_label
from fulfillment.operations.purchases import DEFAULT_CARRIER
from fulfillment.states import SHIPMENT_MACHINE, ShipmentState
from returns.models import Return
from returns.states import ReturnState

log = logging.getLogger(__name__)
SERVICE = "standard"
#: How long the sweep tries for a label by itself; after that a person presses the button.
TRIES = timedelta(days=1)


def request_label(request: Return, *, now: datetime) -> Shipment:
    """Write down, in the transaction of the approval, that a label is wanted: from the customer to the return's location."""
    order, location = request.order, request.location
    return Shipment.objects.create(
        order=order,
        direction=Direction.RETURN,
        reference=request.number,
        carrier=DEFAULT_CARRIER,
        service=SERVICE,
        ship_from=order.shipping_address,
        ship_to=location.address if location else {},
        created_at=now,
    )


def give_up_label(request: Return) -> None:
    """Void the label of a return that is cancelled, in its transaction: at once when the carrier never heard of it.

    A label that is bought is marked, and fulfillment's sweep gives it back. One that is being bought at this moment is settled
    by `create_return_label` when the carrier has answered.
    """
    if request.shipment_id is None:
        return
    shipment = Shipment.objects.select_for_update(no_key=True).get(pk=request.shipment_id)
    if shipment.state == ShipmentState.LABEL_PURCHASED:
        _move(shipment, "request_void")
    elif shipment.state == ShipmentState.LABEL_REQUESTED and not shipment.claim:
        _move(shipment, "void")


def _move(shipment: Shipment, action: str) -> None:
    shipment.state = SHIPMENT_MACHINE.check(shipment, action)
    shipment.save(update_fields=["state"])


def create_return_label(*, return_id: int, actor: Actor, now: datetime) -> Document | None:
    """Buy the label of an approved return if it has none, draw it if it is not drawn, and keep it; None when it needs none.

    Not for use inside a transaction. Raises NotFound, Refusal with what the carrier says, Unavailable when no paper can be made.
    """
    request = Return.objects.filter(pk=return_id).first()
    if request is None:
        raise NotFound("no_such_return", _("There is no such return."))
    if request.shipment_id is None:
        return None
    shipment = buy_return_label(shipment_id=request.shipment_id, actor=actor, now=now)
    if _void_if_cancelled(return_id, shipment.pk) or shipment.state != ShipmentState.LABEL_PURCHASED:
        return None
    return _kept(shipment) or _draw(request, shipment, actor=actor, now=now)


def _void_if_cancelled(return_id: int, shipment_id: int) -> bool:
    """Mark a label that was bought while its return was being cancelled."""
    with transaction.atomic():
        cancelled = (
            Return.objects.select_for_update(no_key=True).filter(pk=return_id, state=ReturnState.CANCELLED).exists()
        )
        shipment = Shipment.objects.select_for_update(no_key=True).get(pk=shipment_id)
        if cancelled and shipment.state == ShipmentState.LABEL_PURCHASED:
            _move(shipment, "request_void")
        return cancelled


def _kept(shipment: Shipment) -> Document | None:
    return Document.objects.filter(shipment=shipment, kind=DocumentKind.RETURN_LABEL_PDF).defer("data").first()


def _draw(request: Return, shipment: Shipment, *, actor: Actor, now: datetime) -> Document:
    label = Label.from_json(shipment.label)
    try:
        (drawn,) = render_labels([label])
    except PdfUnavailable as off:
        raise Unavailable("pdf_off", str(off)) from off
    if drawn.pdf is None:
        raise Refusal("label_not_drawn", _("The label cannot be drawn: {reason}").format(reason=drawn.error))
    with transaction.atomic():
        document, created = Document.objects.get_or_create(
            fulfillment_order=None,
            shipment=shipment,
            kind=DocumentKind.RETURN_LABEL_PDF,
            defaults={"content_hash": label_hash(label), "data": drawn.pdf},
        )
        if created:
            about = {"return_number": request.number, "return_id": request.pk, "tracking_number": label.tracking_number}
            timeline.record(request.subject, "return.labelled", actor=actor, at=now, **about)
    return document


def create_waiting_labels(*, actor: Actor, now: datetime, limit: int = 20) -> int:
    """Sweep: make the labels that were asked for and are not there, settle those of cancelled returns; the number made."""
    drawn = Document.objects.filter(shipment=OuterRef("shipment"), kind=DocumentKind.RETURN_LABEL_PDF)
    wanted = Q(state=ReturnState.APPROVED) & ~Exists(drawn) & ~Q(state__in=["resolved", "declined", "cancelled"])
    stray = Q(
        state=ReturnState.CANCELLED, shipment__state__in=[ShipmentState.LABEL_REQUESTED, ShipmentState.LABEL_PURCHASED]
    )
    recent = Return.objects.filter(shipment__created_at__gt=now - TRIES).filter(wanted | stray)
    made = 0
    for return_id in recent.order_by("pk").values_list("pk", flat=True)[:limit]:
        try:
            made += create_return_label(return_id=return_id, actor=actor, now=now) is not None
        except Refusal as refusal:
            log.warning("return %s has no label yet: %s", return_id, refusal.code)
    return made
