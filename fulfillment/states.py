"""The lives of a fulfillment order and of a shipment: one table of moves each."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.states import Action, StateMachine


class FulfillmentState(models.TextChoices):
    SCHEDULED = "scheduled", _("Scheduled")
    OPEN = "open", _("Ready to pick")
    ON_HOLD = "on_hold", _("On hold")
    PICKING = "picking", _("Picking")
    PICKED = "picked", _("Picked")
    PACKED = "packed", _("Packed")
    SHIPPED = "shipped", _("Shipped")
    DELIVERED = "delivered", _("Delivered")
    CANCELLED = "cancelled", _("Cancelled")
    INCOMPLETE = "incomplete", _("Closed incomplete")


#: Work orders whose units are still in the building and reserved.
ACTIVE_STATES = frozenset({"scheduled", "open", "on_hold", "picking", "picked", "packed"})
#: Work a picker or packer can do now.
WORKABLE_STATES = frozenset({"open", "picking", "picked", "packed"})


class Service(models.TextChoices):
    """How fast a parcel travels, whoever carries it."""

    ECONOMY = "economy", _("Economy")
    STANDARD = "standard", _("Standard")
    EXPRESS = "express", _("Express")


class ShipmentState(models.TextChoices):
    LABEL_REQUESTED = "label_requested", _("Label requested")
    LABEL_PURCHASED = "label_purchased", _("Label bought")
    IN_TRANSIT = "in_transit", _("In transit")
    OUT_FOR_DELIVERY = "out_for_delivery", _("Out for delivery")
    DELIVERED = "delivered", _("Delivered")
    EXCEPTION = "exception", _("Exception")
    VOID_REQUESTED = "void_requested", _("Void requested")
    VOIDED = "voided", _("Voided")


def _needs_label(fulfillment_order: Any) -> str | None:
    return None if fulfillment_order.has_label else translate("It has no label yet.")


_F = FulfillmentState
FULFILLMENT_MACHINE = StateMachine(
    "fulfillment_order",
    "state",
    dict(FulfillmentState.choices),
    [
        Action("open", _("Open"), frozenset({_F.SCHEDULED}), _F.OPEN, "fulfillment.pick"),
        Action("hold", _("Hold"), frozenset({_F.SCHEDULED, _F.OPEN}), _F.ON_HOLD, "orders.hold"),
        Action("release", _("Release"), frozenset({_F.ON_HOLD}), _F.OPEN, "orders.hold"),
        Action("start_picking", _("Start picking"), frozenset({_F.OPEN}), _F.PICKING, "fulfillment.pick"),
        Action("finish_picking", _("Picked"), frozenset({_F.PICKING}), _F.PICKED, "fulfillment.pick"),
        Action("pack", _("Pack"), frozenset({_F.PICKED}), _F.PACKED, "fulfillment.pack"),
        Action("print", _("Print label and slip"), frozenset({_F.OPEN, _F.PICKING, _F.PICKED, _F.PACKED}), None, "fulfillment.print"),
        Action("ship", _("Ship"), frozenset({_F.PACKED}), _F.SHIPPED, "fulfillment.ship", _needs_label),
        Action("deliver", _("Delivered"), frozenset({_F.SHIPPED}), _F.DELIVERED),
        Action("cancel", _("Cancel"), frozenset(ACTIVE_STATES), _F.CANCELLED, "fulfillment.cancel"),
        Action("close_incomplete", _("Close incomplete"), frozenset({_F.OPEN, _F.PICKING, _F.PICKED}), _F.INCOMPLETE, "fulfillment.pick"),
    ],
)  # fmt: skip

_S = ShipmentState
SHIPMENT_MACHINE = StateMachine(
    "shipment",
    "state",
    dict(ShipmentState.choices),
    [
        Action("label_bought", _("Label bought"), frozenset({_S.LABEL_REQUESTED}), _S.LABEL_PURCHASED),
        Action("hand_over", _("Handed over"), frozenset({_S.LABEL_PURCHASED}), _S.IN_TRANSIT),
        Action("out_for_delivery", _("Out for delivery"), frozenset({_S.IN_TRANSIT, _S.EXCEPTION}), _S.OUT_FOR_DELIVERY),
        Action("moved_on", _("Moving again"), frozenset({_S.EXCEPTION, _S.OUT_FOR_DELIVERY}), _S.IN_TRANSIT),
        Action("deliver", _("Delivered"), frozenset({_S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.EXCEPTION}), _S.DELIVERED),
        Action("fail", _("Exception"), frozenset({_S.IN_TRANSIT, _S.OUT_FOR_DELIVERY}), _S.EXCEPTION),
        Action("request_void", _("Void the label"), frozenset({_S.LABEL_PURCHASED}), _S.VOID_REQUESTED, "fulfillment.cancel"),
        Action("void", _("Voided"), frozenset({_S.VOID_REQUESTED, _S.LABEL_REQUESTED}), _S.VOIDED),
    ],
)  # fmt: skip
