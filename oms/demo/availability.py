"""Availability of the demo shop: buffers, a pool, a budget that is open, a SKU that is never shown, and the first numbers."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from availability.models import AvailabilityRule, ChannelState
from availability.operations.publishing import publish_pairs
from availability.operations.rules import save_pool, save_rule
from availability.queries import counted_variants, default_pools, local_days, pool_members
from core.actors import Actor
from inventory.models import Location, Variant
from orders.models import Channel

ACTOR = Actor.system("demo")


def seed_availability(*, now: datetime) -> None:
    """Make the rules and work the numbers out, as the worker would within its first minute."""
    channels = {channel.name: channel for channel in Channel.objects.order_by("pk")}
    if AvailabilityRule.objects.exists() or len(channels) < 3:
        return
    web, market, other = list(channels.values())[:3]
    warehouses = list(Location.objects.filter(kind="warehouse", active=True).values_list("pk", flat=True))
    pool = save_pool(pool_id=None, name="Own warehouses", location_ids=warehouses, actor=ACTOR, now=now)
    skus = list(Variant.objects.filter(is_bundle=False).order_by("pk").values_list("sku", flat=True)[:6])
    rules = [
        (market, {"scope": "channel", "buffer": "percent", "value": Decimal(10), "pool_id": pool.pk, "note": "Others sell from the same shelf"}),
        (market, {"scope": "type", "target": "Clothing", "buffer": "units", "value": Decimal(2), "maximum": 25, "note": "Sizes run out first"}),
        (other, {"scope": "channel", "buffer": "days", "value": Decimal(2)}),
        (other, {"scope": "tag", "target": "tents", "never": True, "note": "Too bulky to send there"}),
        (web, {"scope": "sku", "sku": skus[0], "budget": 12, "budget_until": now.date() + timedelta(days=14), "note": "A delivery is on its way"}),
        (web, {"scope": "type", "target": "Sleeping", "maximum": 10}),
    ]  # fmt: skip
    for channel, values in rules:
        save_rule(rule_id=None, values={"channel_id": channel.pk, **values}, actor=ACTOR, now=now, work_in=False)
    _first_numbers(list(channels.values()), now=now)


def _first_numbers(channels: list[Channel], *, now: datetime) -> None:
    days, pools = local_days([one.pk for one in channels], now=now), default_pools([one.pk for one in channels])
    members = {str(pk): ids for pk, ids in pool_members().items()}
    variant_ids = list(counted_variants().order_by("pk").values_list("pk", flat=True))
    for channel in channels:
        used = AvailabilityRule.objects.filter(channel=channel, pool__isnull=False).values_list("pool_id", flat=True)
        state = {"locations": {"": sorted(pools[channel.pk]), **{str(pk): members[str(pk)] for pk in used}}}
        with transaction.atomic():
            publish_pairs([(channel.pk, pk) for pk in variant_ids], now=now)
            ChannelState.objects.update_or_create(
                channel=channel, defaults=state | {"seen_at": now, "reconciled_on": days[channel.pk]}
            )
