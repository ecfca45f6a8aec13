"""Between our shipments and the carriers: what is asked for, in their words."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from core.addresses import Address
from fulfillment.carriers import carrier
from fulfillment.carriers.base import (
    Bought,
    BuyOutcome,
    LabelDirection,
    LabelRequest,
    NotFound,
    Parcel,
    Refused,
    Unknown,
    Voided,
    VoidOutcome,
)
from fulfillment.models import Shipment
from fulfillment.queries import tracking_url

log = logging.getLogger(__name__)
DEFAULT_CARRIER = "builtin"


@dataclass(frozen=True, slots=True)
class Intent:
    """A shipment whose label is wanted. asked_before: somebody may have bought it without our hearing of it."""

    shipment: Shipment
    weight_grams: int
    asked_before: bool


def ask_carrier(intent: Intent, *, now: datetime) -> BuyOutcome:
    """Buy the label, or learn that it was bought before. Never raises; what breaks on the way is Unknown."""
    shipment = intent.shipment
    try:
        seller = carrier(shipment.carrier)
        request = _request(intent, now=now)
        if intent.asked_before:
            found = seller.find(request)
            if not isinstance(found, NotFound):
                return found
        return seller.buy(request)
    except KeyError:
        return Refused("no_such_carrier", _("The carrier “{name}” is not set up.").format(name=shipment.carrier))
    except Exception as error:
        log.exception("label %s: the carrier's module failed", shipment.reference)
        return Unknown(f"{type(error).__name__}: {error}")


def _request(intent: Intent, *, now: datetime) -> LabelRequest:
    shipment = intent.shipment
    return LabelRequest(
        reference=shipment.reference,
        service=shipment.service,
        sender=Address.from_json(shipment.ship_from),
        recipient=Address.from_json(shipment.ship_to),
        parcel=Parcel(intent.weight_grams),
        ship_on=now.date(),
        direction=LabelDirection(shipment.direction),
        order_number=shipment.order.number,
        tracking_url=tracking_url(shipment.order),
    )


def void_with_carrier(shipment: Shipment, tracking_number: str) -> bool:
    """Give a label back; False when the carrier does not confirm it (it is asked again later)."""
    try:
        outcome: VoidOutcome = carrier(shipment.carrier).void(tracking_number)
    except Exception:
        log.exception("label %s: voiding failed", shipment.reference)
        return False
    return isinstance(outcome, Voided)


def problem_of(outcome: Refused | Unknown) -> str:
    """The outcome as a sentence for people."""
    if isinstance(outcome, Refused):
        return _("The carrier refused: {reason}").format(reason=outcome.reason)
    return _("The carrier did not answer. Print again in a minute; nothing is bought twice.")


__all__ = [
    "DEFAULT_CARRIER",
    "Bought",
    "Intent",
    "Refused",
    "Unknown",
    "ask_carrier",
    "problem_of",
    "void_with_carrier",
]
