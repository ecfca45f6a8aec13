"""What the tests of availability share."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from availability.models import AvailabilityRule, ChannelAvailability, DirtyAvailability
from availability.operations.publishing import publish_due
from availability.operations.rules import save_rule
from core.models import OutboxDelivery, OutboxEvent
from core.outbox import deliver, relay
from inventory.models import BundleComponent, Variant
from orders.models import Channel
from tests.factories.shop import ACTOR, NOW, make_variant

LATER = timedelta(seconds=10)


def rule_for(channel: Channel, *, now: datetime = NOW, **values: Any) -> AvailabilityRule:
    """A rule, saved as a person would; numbers may be given plainly."""
    if "value" in values:
        values["value"] = Decimal(str(values["value"]))
    return save_rule(rule_id=None, values={"channel_id": channel.pk, **values}, actor=ACTOR, now=now).rule


def bundle_of(sku: str, *parts: tuple[Variant, int]) -> Variant:
    """A bundle of (component, units in one)."""
    bundle = make_variant(sku, is_bundle=True)
    BundleComponent.objects.bulk_create([BundleComponent(bundle=bundle, component=one, quantity=n) for one, n in parts])
    return bundle


def tell(now: datetime = NOW) -> None:
    """Let the outbox run, but for what goes over the network: gather what the ledger says, deliver it."""
    while relay(now=now):
        pass
    waiting = OutboxDelivery.objects.filter(done_at__isnull=True, gave_up_at__isnull=True)
    for pk in list(waiting.exclude(handler__endswith="post_changes").values_list("pk", flat=True)):
        deliver(pk, now=now)


def settle(now: datetime = NOW) -> list[dict[str, Any]]:
    """Tell, wait for the merge window, work out; the payloads of the changes published by it, oldest first."""
    tell(now)
    last = OutboxEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    while publish_due(now=now + LATER).looked_at:
        pass
    return list(
        OutboxEvent.objects.filter(id__gt=last, name="availability.changed").order_by("id").values_list("payload", flat=True)
    )  # fmt: skip


def shown_of(channel: Channel, variant: Variant) -> tuple[int, int]:
    """(units shown, version) as published."""
    return ChannelAvailability.objects.values_list("shown", "version").get(channel=channel, variant=variant)


def waiting() -> int:
    """How many marks there are."""
    return DirtyAvailability.objects.count()
