"""What the engine is told: sites, stock, the live rules."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from inventory.models import Location, LocationDay, Variant
from routing.engine.types import Rule, RuleSet, Site
from routing.models import RuleSet as StoredRuleSet

#: What a new installation routes by until the merchant publishes rules of their own.
DEFAULT_RULES: dict[str, list[dict[str, Any]]] = {
    "filters": [
        {"name": "may_ship_online", "params": {}},
        {"name": "ships_to_zone", "params": {}},
        {"name": "channel", "params": {}},
        {"name": "capacity_left", "params": {}},
    ],
    "rankers": [
        {"name": "fewest_parcels", "params": {}},
        {"name": "stay_in_market", "params": {}},
        {"name": "nearest", "params": {}},
        {"name": "ranked_locations", "params": {}},
    ],
}


def engine_rules(version: int, rules: Mapping[str, Sequence[Mapping[str, Any]]]) -> RuleSet:
    """Stored rules as the engine wants them."""

    def build(items: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
        return tuple(Rule(str(item["name"]), dict(item.get("params") or {})) for item in items)

    return RuleSet(version, version, build(rules["filters"]), build(rules["rankers"]))


def live_rules() -> RuleSet:
    """The published rule set, or version 0: the defaults."""
    stored = live_rule_set()
    return engine_rules(stored.version, stored.rules)


def live_rule_set() -> StoredRuleSet:
    """The published version; before the first one an unsaved version 0 with the defaults."""
    return StoredRuleSet.objects.filter(live=True).first() or _installed(live=True)


def rule_set_of(version: int) -> StoredRuleSet | None:
    """A version by its number, 0 for the defaults; None when there is none."""
    if version == 0:
        return _installed(live=not StoredRuleSet.objects.filter(live=True).exists())
    return StoredRuleSet.objects.filter(version=version).first()


def _installed(*, live: bool) -> StoredRuleSet:
    return StoredRuleSet(version=0, rules=DEFAULT_RULES, live=live)


@dataclass(frozen=True, slots=True)
class Basis:
    """What routing stands on at this moment: the live rules, and a fingerprint that changes whenever any location does."""

    rules: RuleSet
    fingerprint: tuple[int, int]


_BASIS = """
    SELECT l.count, l.total, r.version, r.rules
      FROM (SELECT count(*) AS count, coalesce(sum(hashtextextended(l::text, 0)::numeric %% 9007199254740993), 0)::bigint AS total
              FROM inventory_location l) l
      LEFT JOIN routing_ruleset r ON r.live
"""


def current_basis() -> Basis:
    """Rules and fingerprint in one statement, so that a process can keep what it compiled."""
    with connection.cursor() as cursor:
        cursor.execute(_BASIS, [])
        count, total, version, rules = cursor.fetchone()
    if isinstance(rules, str):
        rules = json.loads(rules)
    return Basis(engine_rules(version, rules) if rules else engine_rules(0, DEFAULT_RULES), (count, total))


def active_locations() -> dict[int, Location]:
    """Every location that is in use, by id."""
    return {row.pk: row for row in Location.objects.filter(active=True).order_by("id")}


def load_sites(locations: Mapping[int, Location] | None = None) -> dict[int, Site]:
    """Active locations as routing sees them, without today's capacity."""
    rows = (active_locations() if locations is None else locations).values()
    return {
        row.pk: Site(
            id=row.pk,
            name=row.name,
            kind=row.kind,
            country=row.country,
            lat=row.latitude,
            lon=row.longitude,
            ships_to=frozenset(row.ships_to),
            channels=frozenset(row.channel_ids),
            capacity_left=row.daily_capacity,
            rank=row.rank,
            may_ship_online=row.ships_online,
        )
        for row in rows
    }


def local_days(location_ids: Iterable[int], *, now: datetime) -> dict[int, date]:
    """Today's date at each location, by its own clock."""
    zones = Location.objects.filter(pk__in=list(location_ids)).values_list("pk", "time_zone")
    return {pk: now.astimezone(ZoneInfo(zone)).date() for pk, zone in zones}


def with_capacity(sites: Mapping[int, Site], *, now: datetime, lock: bool = False) -> dict[int, Site]:
    """The sites with what is left of today's capacity; with `lock` the counters stay as they are until the transaction ends."""
    limited = [site.id for site in sites.values() if site.capacity_left is not None]
    if not limited:
        return dict(sites)
    days = local_days(limited, now=now)
    counters = LocationDay.objects.filter(location_id__in=limited, day__in=set(days.values())).order_by(
        "location_id", "day"
    )
    if lock:
        counters = counters.select_for_update()
    taken = {(row.location_id, row.day): row.assigned for row in counters}
    return {
        pk: replace(site, capacity_left=max(0, site.capacity_left - taken.get((pk, days[pk]), 0)))
        if site.capacity_left is not None
        else site
        for pk, site in sites.items()
    }


_STOCK = """
    SELECT s.variant_id, s.location_id, s.available FROM inventory_stocklevel s
     WHERE s.variant_id = ANY(%s) AND s.available > 0
       AND NOT EXISTS (SELECT FROM inventory_variant v WHERE v.id = s.variant_id AND v.awaits_release)
"""


def unreleased(variant_ids: Iterable[int]) -> set[int]:
    """Those of the variants that nobody may be given yet, because they await their release."""
    return set(Variant.objects.filter(pk__in=list(variant_ids), awaits_release=True).values_list("pk", flat=True))


def stock_snapshot(variant_ids: Iterable[int]) -> dict[int, dict[int, int]]:
    """variant id → location id → units that can be promised, as committed now; nothing is locked. Pre-orders have none yet."""
    stock: dict[int, dict[int, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            _STOCK,
            [sorted(set(variant_ids))],
        )
        for variant_id, location_id, available in cursor.fetchall():
            stock[variant_id][location_id] = available
    return stock


def variant_level_keys(variant_ids: Iterable[int]) -> list[tuple[int, int]]:
    """The keys of every stock level of these variants."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT variant_id, location_id FROM inventory_stocklevel WHERE variant_id = ANY(%s)",
            [sorted(set(variant_ids))],
        )
        return cursor.fetchall()
