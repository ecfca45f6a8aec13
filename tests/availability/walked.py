"""Rows of availability for the walks over every address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from availability.models import AvailabilityRule, ChannelAvailability, Endpoint, LocationPool
from availability.operations.publishing import publish_pairs
from availability.webhooks.keys import new_secret, seal
from inventory.models import Location, Variant
from orders.models import Channel


def availability_rows(channel: Channel, variant: Variant, location: Location, *, now: datetime) -> dict[str, Any]:
    """A rule, a pool, a number and an endpoint that is never called: its address is an inner one."""
    pool = LocationPool.objects.create(name="Walked")
    pool.locations.set([location])
    rule = AvailabilityRule.objects.create(channel=channel, scope="tag", target="walked", maximum=5, updated_at=now)
    with transaction.atomic():
        publish_pairs([(channel.pk, variant.pk)], now=now)
    return {
        "pool": pool,
        "availability_rule": rule,
        "shown": ChannelAvailability.objects.get(channel=channel, variant=variant),
        "endpoint": Endpoint.objects.create(
            channel=channel, url="https://10.0.0.1/", secret=seal(new_secret()), created_at=now
        ),
    }
