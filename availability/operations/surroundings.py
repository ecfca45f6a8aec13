"""What numbers depend on besides the ledger: locations, pools, the catalogue, sales of the last weeks, ends of budgets.

None of them tells of itself, so once a minute they are compared with what was worked in last; and once a day every channel is
worked out as a whole, so that nothing that was missed stays wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from availability.models import AvailabilityRule, Buffer, ChannelState
from availability.operations.marking import mark_variants
from availability.operations.recomputing import recompute, scope_key
from availability.queries import default_pools, local_days, pool_members, units_sold
from core.actors import Actor
from core.timeline import record
from inventory.models import Variant
from orders.models import Channel

_AVAILABILITY = Actor.system("availability")
#: A change that was made before now may be committed this much later.
LATE_COMMITS = timedelta(seconds=90)
_SOLD_OTHERWISE = """
    WITH fresh AS (SELECT * FROM unnest(%s::bigint[], %s::int[]) AS f (variant_id, units)),
         gone AS (DELETE FROM availability_channelsales s WHERE s.channel_id = %s
                     AND NOT EXISTS (SELECT FROM fresh f WHERE f.variant_id = s.variant_id) RETURNING s.variant_id),
         stored AS (INSERT INTO availability_channelsales (channel_id, variant_id, units)
                    SELECT %s, f.variant_id, f.units FROM fresh f
                    ON CONFLICT (channel_id, variant_id) DO UPDATE SET units = excluded.units
                     WHERE availability_channelsales.units <> excluded.units RETURNING variant_id)
    SELECT variant_id FROM gone UNION SELECT variant_id FROM stored
"""


def watch_surroundings(*, now: datetime) -> int:
    """Look at every active channel, one transaction each; the number of channels where something was set going."""
    set_going = 0
    for channel in Channel.objects.filter(active=True).order_by("pk"):
        with transaction.atomic():
            set_going += _watch(channel, now=now)
    return set_going


def refresh_sales(channel: Channel, *, now: datetime) -> list[int]:
    """Bring the channel's sales of the last 28 days up to today, once a day; the variants that sold otherwise than was kept.

    In the caller's transaction; who does it at the same time waits.
    """
    state = _state(channel)
    today = local_days([channel.pk], now=now)[channel.pk]
    if state.sales_day == today:
        return []
    sold = units_sold(channel.pk, today, channel.time_zone)
    with connection.cursor() as cursor:
        cursor.execute(_SOLD_OTHERWISE, [list(sold), list(sold.values()), channel.pk, channel.pk])
        changed = [variant_id for (variant_id,) in cursor.fetchall()]
    state.sales_day = today
    state.save(update_fields=["sales_day"])
    return changed


def _state(channel: Channel) -> ChannelState:
    ChannelState.objects.bulk_create([ChannelState(channel=channel)], ignore_conflicts=True)
    return ChannelState.objects.select_for_update(of=("self",)).get(channel=channel)


def _watch(channel: Channel, *, now: datetime) -> bool:
    state = _state(channel)
    rules = AvailabilityRule.objects.filter(channel=channel, active=True)
    used = {str(pk) for pk in rules.filter(pool__isnull=False).values_list("pool_id", flat=True).distinct()}
    locations = {str(pk): ids for pk, ids in pool_members().items() if str(pk) in used}
    locations[""] = sorted(default_pools([channel.pk])[channel.pk])
    today, seen = local_days([channel.pk], now=now)[channel.pk], state.seen_at
    everything = state.locations != locations or state.reconciled_on != today
    state.locations, state.seen_at, state.reconciled_on = locations, now, today
    state.save(update_fields=["locations", "seen_at", "reconciled_on"])
    ended = _end_budgets(channel, now=now)
    sold_otherwise = refresh_sales(channel, now=now) if rules.filter(buffer=Buffer.DAYS).exists() else []
    if everything:
        recompute(channel=channel, scopes=None, actor=_AVAILABILITY, now=now)
        return True
    if ended:
        recompute(channel=channel, scopes=[scope_key(rule) for rule in ended], actor=_AVAILABILITY, now=now)
    changed = {*_changed_since(seen), *sold_otherwise}
    return bool(mark_variants(changed, channel_ids=[channel.pk], now=now)) or bool(ended)


def _end_budgets(channel: Channel, *, now: datetime) -> list[AvailabilityRule]:
    """Budgets whose last day has passed: their end is noted once."""
    today = local_days([channel.pk], now=now)[channel.pk]
    ended = list(
        AvailabilityRule.objects.select_for_update(of=("self",))
        .filter(channel=channel, budget__gt=0, budget_over=False, budget_until__lt=today)
        .order_by("pk")
    )
    AvailabilityRule.objects.filter(pk__in=[rule.pk for rule in ended]).update(budget_over=True)
    for rule in ended:
        record(
            rule.subject, "availability_rule.budget_ended", actor=_AVAILABILITY, at=now, until=str(rule.budget_until)
        )
    return [rule for rule in ended if rule.active]


def _changed_since(seen: datetime | None) -> list[int]:
    """Variants that were written, or whose product was, since then."""
    if seen is None:
        return []
    since = seen - LATE_COMMITS
    return list(
        Variant.objects.filter(Q(updated_at__gt=since) | Q(product__updated_at__gt=since)).values_list("pk", flat=True)
    )
