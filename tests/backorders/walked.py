"""What the walk over every address wants of back-orders and delivery dates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backorders.operations import recompute
from fulfillment.delivery.changing import save_lane
from inventory.models import Variant
from oms.orchestration.filling import plan_filling
from tests.factories.shop import ACTOR


def waiting_rows(*, now: datetime) -> dict[str, Any]:
    """A SKU that somebody waits for and that is here, the plan of filling it, and a lane."""
    short = Variant.objects.get(sku="SHORT")
    recompute([short.pk], now=now)
    [plan] = plan_filling(short.pk, now=now, strategies=["oldest"])
    values = {"from_country": "PL", "to_country": "DE", "min_days": 2, "max_days": 4}
    lane = save_lane(lane_id=None, values=values, actor=ACTOR, now=now)
    return {"short": short, "fill_digest": plan.digest, "lane": lane}
