"""Reorder points of the demo shop: most goods have enough, some are low, one of the alerts is snoozed."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.actors import Actor
from core.models import User
from core.permissions import Role
from inventory.models import Location, LocationKind, ReorderPolicy, StockLevel
from replenishment.models import Alert
from replenishment.operations import PolicyWish, evaluate_all, set_policies, snooze_alerts
from replenishment.operations.preferences import save_preference
from replenishment.states import AlertState, Frequency

ACTOR = Actor.system("demo")
#: Of the levels without a reorder point, every so many get one just above what is available; the others one well below.
LOW_EVERY = 11
#: Every so many SKUs are watched in total as well.
TOTAL_EVERY = 7


def seed_replenishment(*, now: datetime) -> None:
    """Give every own level a reorder point that has none yet; only where nothing is watched so far."""
    if Alert.objects.exists():
        return
    places = Location.objects.exclude(kind=LocationKind.SUPPLIER).filter(active=True)
    known = set(ReorderPolicy.objects.values_list("variant_id", "location_id"))
    levels = StockLevel.objects.filter(location__in=places, variant__is_bundle=False).order_by(
        "variant_id", "location_id"
    )
    wishes = []
    for n, (variant_id, location_id, available) in enumerate(
        levels.values_list("variant_id", "location_id", "available")
    ):
        if (variant_id, location_id) not in known:
            point = max(2, available + 2) if n % LOW_EVERY == 0 else max(0, available // 3)
            wishes.append(PolicyWish(variant_id, location_id, point, max(point + 6, point * 2)))
    variants = sorted({wish.variant_id for wish in wishes})
    wishes += [PolicyWish(variant_id, None, 12, 60) for variant_id in variants[::TOTAL_EVERY]]
    set_policies(wishes=wishes, actor=ACTOR, now=now - timedelta(days=1))
    evaluate_all(now=now - timedelta(hours=2))
    first = Alert.objects.filter(state=AlertState.OPEN).order_by("pk").first()
    if first is not None:
        snooze_alerts(alert_ids=[first.pk], until=now + timedelta(days=3), actor=ACTOR, now=now - timedelta(hours=1))
    for user in User.objects.filter(role=Role.WAREHOUSE):
        save_preference(user=user, frequency=Frequency.AT_ONCE, location_ids=[], back_in_stock=True)
