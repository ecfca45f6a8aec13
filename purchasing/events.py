"""What happened in purchasing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class PurchaseOrderSent(Event):
    """An order became firm and is to be mailed to its supplier. version: of the order, so that each sending is mailed once."""

    name: ClassVar[str] = "purchase.sent"
    purchase_id: int
    version: int


@dataclass(frozen=True, slots=True)
class PurchaseDatesChanged(Event):
    """A supplier named other days for goods that are still to come. What changes the units as well is heard of as changed stock."""

    name: ClassVar[str] = "purchase.dates_changed"
    purchase_id: int


@dataclass(frozen=True, slots=True)
class LandedCostChanged(Event):
    """What the units of an order cost has changed after some of them had arrived."""

    name: ClassVar[str] = "purchase.landed_cost_changed"
    purchase_id: int
