"""Stock that is low: a policy, its need and its alert, made through the product's own operations."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from inventory.models import Location, ReorderPolicy
from replenishment.models import Alert
from replenishment.operations import PolicyWish, set_policies
from replenishment.operations.snoozing import snooze_alerts
from tests.factories.purchasing import make_item, make_supplier
from tests.factories.shop import ACTOR, make_variant


def something_low(location: Location) -> dict[str, Any]:
    """A SKU of which there is nothing at a location, and a supplier who sells it: `low_policy`, `low_need`, `low_alert`."""
    variant = make_variant("LOW")
    make_item(make_supplier("Low supplies"), variant, price="4", preferred=True)
    wish = PolicyWish(variant.pk, location.pk, 5, 20)
    set_policies(wishes=[wish], actor=ACTOR, now=timezone.now())
    policy = ReorderPolicy.objects.select_related("need").get(variant=variant)
    return {
        "low_policy": policy,
        "low_need": policy.need,  # type: ignore[attr-defined]
        "low_alert": Alert.objects.get(variant=variant),
    }


def something_asleep(location: Location) -> dict[str, Any]:
    """A SKU that is low and whose alert is snoozed: `snoozed_alert`."""
    variant = make_variant("LOW-AND-ASLEEP")
    set_policies(wishes=[PolicyWish(variant.pk, location.pk, 5, 20)], actor=ACTOR, now=timezone.now())
    alert = Alert.objects.get(variant=variant)
    snooze_alerts(alert_ids=[alert.pk], units_lower=1, actor=ACTOR, now=timezone.now())
    return {"snoozed_alert": alert}
