"""What purchasing does when something happened elsewhere: thin handlers, each safe to run twice."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from core.outbox import own_transactions
from inventory.events import StockChanged
from purchasing.events import LandedCostChanged
from purchasing.operations.costing import cost_levels
from purchasing.operations.revaluing import revalue_purchase


@own_transactions
def follow_stock(event: StockChanged, *, actor: Actor, now: datetime) -> None:
    """The ledger of some levels grew: cost what moved, variant by variant."""
    cost_levels(event.keys, now=now)


@own_transactions
def follow_landed_cost(event: LandedCostChanged, *, actor: Actor, now: datetime) -> None:
    """Freight, rate or quantities of an order changed after goods had come: what they cost is corrected."""
    revalue_purchase(purchase_id=event.purchase_id, now=now)
