"""Telling customers about their parcels: thin handlers, each message once (its key is the parcel's)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import translation

from core import mail
from core.actors import Actor
from core.formats import range_text
from core.outbox import own_transactions
from fulfillment.events import FulfillmentShipped, ShipmentDelivered
from fulfillment.members import Member
from fulfillment.models import FulfillmentLine, FulfillmentOrder, Shipment
from fulfillment.operations.risk import sweep_risks
from fulfillment.queries import mates_of, tracking_url
from orders.groups import bundles_in, grouped
from orders.models import OrderLine


def tell_customer_shipped(event: FulfillmentShipped, *, actor: Actor, now: datetime) -> None:
    """A parcel is on its way: what is in it, its number, when it should arrive, what is still to come."""
    shipment = _shipment(fulfillment_order_id=event.fulfillment_order_id, handed_over_at__isnull=False)
    if shipment is not None:
        _tell("shipped", shipment, now=now)


def tell_customer_delivered(event: ShipmentDelivered, *, actor: Actor, now: datetime) -> None:
    """A parcel has arrived."""
    shipment = _shipment(pk=event.shipment_id, state="delivered")
    if shipment is not None:
        _tell("delivered", shipment, now=now)


def _shipment(**conditions: Any) -> Shipment | None:
    rows = Shipment.objects.filter(direction="outbound", fulfillment_order__isnull=False, **conditions)
    return rows.exclude(state="voided").select_related("order", "fulfillment_order").first()


def _mates(shipment: Shipment) -> list[Member]:
    """The other orders in the parcel."""
    work = shipment.fulfillment_order
    return mates_of([work]).get(work.pk, []) if work is not None else []


def _items(shipment: Shipment) -> list[str]:
    """What is in the parcel, in the order's sequence; the components of a bundle stand indented under its title."""
    lines = FulfillmentLine.objects.filter(fulfillment_order=shipment.fulfillment_order_id, shipped__gt=0)
    lines = lines.select_related("order_line__bundle").order_by("order_line__position")
    items = []
    for bundle, parts in grouped(lines, lambda line: line.order_line.bundle):
        if bundle is None:
            items += [f"{line.shipped} × {line.order_line.title}" for line in parts]
        else:
            inside = (f"\n    {line.shipped} × {line.order_line.title}" for line in parts)
            count = bundles_in((line.shipped, line.order_line) for line in parts)
            items.append(f"{count} × {bundle.title}:" + "".join(inside))
    return items


def _tell(template: str, shipment: Shipment, *, now: datetime) -> None:
    order = shipment.order
    with translation.override(order.language):
        expected = range_text(shipment.expected_from, shipment.expected_on) if shipment.expected_on else ""
    context = {
        "order_number": order.number,
        "name": order.customer_name,
        "numbers": list(shipment.packages.order_by("id").values_list("tracking_number", flat=True)),
        "items": _items(shipment),
        "expected": expected,
        "together": ", ".join(mate.order_number for mate in _mates(shipment)),
        "more_to_come": any(
            line.ordered - line.cancelled > line.shipped
            for line in OrderLine.objects.filter(order=order, requires_shipping=True)
        ),
        "url": tracking_url(order),
    }
    mail.queue_mail(
        to=order.email, template=template, context=context, language=order.language,
        dedupe_key=f"{template}:{shipment.pk}", about=order.subject, now=now,
    )  # fmt: skip


@own_transactions
def parcel_left(event: FulfillmentShipped, *, actor: Actor, now: datetime) -> None:
    """It left: its promised day may be in danger, or out of it."""
    order_id = FulfillmentOrder.objects.values_list("order_id", flat=True).get(pk=event.fulfillment_order_id)
    sweep_risks(now=now, order_ids=[order_id])


@own_transactions
def parcel_arrived(event: ShipmentDelivered, *, actor: Actor, now: datetime) -> None:
    """It arrived: nothing of it is in danger any more."""
    order_id = Shipment.objects.values_list("order_id", flat=True).get(pk=event.shipment_id)
    sweep_risks(now=now, order_ids=[order_id])
