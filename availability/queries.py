"""Reads of availability: everything that a batch of (channel, SKU) pairs needs, in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from availability.models import AvailabilityRule, ChannelAvailability, ChannelSales, ChannelState, LocationPool, Scope
from availability.shown import NO_DEMAND, NO_TERMS, Demand, Part, Receipt, Terms, shown
from core.search import search
from inventory.models import BundleComponent, Location, Variant
from orders.models import Channel

Pair = tuple[int, int]  # channel id, variant id
#: The more specific scope wins.
PRECEDENCE = {Scope.SKU: 3, Scope.TAG: 2, Scope.TYPE: 1, Scope.CHANNEL: 0}
#: Up to so many variants a search is answered by their keys.
NAMED_VARIANTS = 1000


@dataclass(frozen=True, slots=True)
class Goods:
    """A variant as availability sees it."""

    id: int
    sku: str
    product_type: str
    tags: frozenset[str]
    is_bundle: bool
    active: bool


@dataclass(slots=True)
class Inputs:
    """Plain data for a batch of pairs; `receipt_of` works out one of them."""

    goods: dict[int, Goods]
    components: dict[int, list[tuple[int, int]]]  # bundle → (component, units in one bundle)
    stock: dict[int, list[tuple[int, int]]]  # variant → (location, units that can be promised)
    default_pools: dict[int, frozenset[int]]  # channel → locations
    pools: dict[int, frozenset[int]]
    rules: dict[int, list[AvailabilityRule]]  # channel → rules, the winner of any SKU first
    today: dict[int, date]
    sold: dict[Pair, int] = field(default_factory=dict)
    backordered: dict[Pair, int] = field(default_factory=dict)

    def rule_of(self, pair: Pair) -> AvailabilityRule | None:
        """The rule that speaks for the pair: the most specific; among equals the one made first."""
        goods = self.goods[pair[1]]
        return next((rule for rule in self.rules.get(pair[0], ()) if speaks_of(rule, goods)), None)

    def pool_of(self, channel_id: int, rule: AvailabilityRule | None) -> frozenset[int]:
        """Locations whose stock counts."""
        if rule is not None and rule.pool_id is not None:
            return self.pools.get(rule.pool_id, frozenset())
        return self.default_pools.get(channel_id, frozenset())

    def parts_of(self, pair: Pair, rule: AvailabilityRule | None) -> list[Part]:
        """The SKU itself, or the components of a bundle, with what the pool has of each."""
        goods, pool = self.goods[pair[1]], self.pool_of(pair[0], rule)
        made_of = self.components.get(goods.id, []) if goods.is_bundle else [(goods.id, 1)]
        return [
            Part(variant_id, quantity, tuple(place for place in self.stock.get(variant_id, ()) if place[0] in pool))
            for variant_id, quantity in made_of
        ]

    def terms_of(self, channel_id: int, rule: AvailabilityRule | None) -> Terms:
        """What the rule says today."""
        if rule is None:
            return NO_TERMS
        is_open = rule.budget_until is not None and self.today[channel_id] <= rule.budget_until
        return Terms(rule.buffer, rule.value, rule.maximum, rule.budget if is_open else 0, rule.never)

    def demand_of(self, pair: Pair) -> Demand:
        sold, backordered = self.sold.get(pair, 0), self.backordered.get(pair, 0)
        return Demand(sold, backordered) if sold or backordered else NO_DEMAND

    def receipt_of(self, pair: Pair) -> tuple[Receipt, AvailabilityRule | None]:
        """The receipt of a pair and the rule behind it."""
        rule = self.rule_of(pair)
        active = self.goods[pair[1]].active
        return shown(self.parts_of(pair, rule), self.terms_of(pair[0], rule), self.demand_of(pair), active=active), rule


def speaks_of(rule: AvailabilityRule, goods: Goods) -> bool:
    """True when the rule's scope has the variant."""
    match rule.scope:
        case Scope.SKU:
            return rule.variant_id == goods.id
        case Scope.TAG:
            return rule.target in goods.tags
        case Scope.TYPE:
            return rule.target == goods.product_type
        case _:
            return True


def load_inputs(pairs: Collection[Pair], *, now: datetime, instead: AvailabilityRule | None = None) -> Inputs:
    """What the pairs are worked out from, as committed now; pairs of unknown variants are absent. Up to nine statements.

    instead: a rule that is not stored yet and stands for the stored one of its key, or of its scope and target.
    """
    channel_ids = sorted({channel_id for channel_id, _variant in pairs})
    variant_ids = sorted({variant_id for _channel, variant_id in pairs})
    goods = _goods(variant_ids)
    components = _components([one.id for one in goods.values() if one.is_bundle])
    counted = {component for parts in components.values() for component, _quantity in parts}
    locations = list(Location.objects.filter(active=True).values_list("pk", "ships_online", "channel_ids"))
    inputs = Inputs(
        goods=goods,
        components=components,
        stock=_stock({pk for pk, one in goods.items() if not one.is_bundle} | counted),
        default_pools={pk: _default_pool(pk, locations) for pk in channel_ids},
        pools={},
        rules=_rules(channel_ids, variant_ids, instead),
        today=local_days(channel_ids, now=now),
    )
    known = [pair for pair in pairs if pair[1] in goods]
    rules = {pair: rule for pair in known if (rule := inputs.rule_of(pair)) is not None}
    active = {pk for pk, *_rest in locations}
    inputs.pools = _pools({rule.pool_id for rule in rules.values() if rule.pool_id}, active)
    inputs.sold = _sold([pair for pair, rule in rules.items() if rule.buffer == "days"], inputs.today)
    inputs.backordered = _backordered([pair for pair, rule in rules.items() if rule.budget])
    return inputs


def local_days(channel_ids: Iterable[int], *, now: datetime) -> dict[int, date]:
    """Today's date by the clock of each channel."""
    zones = Channel.objects.filter(pk__in=list(channel_ids)).values_list("pk", "time_zone")
    return {pk: now.astimezone(ZoneInfo(zone)).date() for pk, zone in zones}


def sales_window(day: date, zone: str) -> tuple[datetime, datetime]:
    """The 28 local days before `day`, as moments: from the first's midnight to this day's."""
    tz = ZoneInfo(zone)
    return datetime.combine(day - timedelta(days=28), time(), tz), datetime.combine(day, time(), tz)


def default_pools(channel_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """channel → the locations that count where no rule names a pool: active, shipping online, serving the channel."""
    locations = list(Location.objects.filter(active=True).values_list("pk", "ships_online", "channel_ids"))
    return {pk: _default_pool(pk, locations) for pk in channel_ids}


def pool_members() -> dict[int, list[int]]:
    """pool → ids of its active locations, ascending."""
    members: dict[int, list[int]] = {pk: [] for pk in LocationPool.objects.values_list("pk", flat=True)}
    rows = LocationPool.locations.through.objects.filter(location__active=True).order_by("location_id")
    for pool_id, location_id in rows.values_list("locationpool_id", "location_id"):
        members.setdefault(pool_id, []).append(location_id)
    return members


def _default_pool(channel_id: int, locations: Sequence[tuple[int, bool, list[int]]]) -> frozenset[int]:
    return frozenset(pk for pk, online, serves in locations if online and (not serves or channel_id in serves))


def _goods(variant_ids: Sequence[int]) -> dict[int, Goods]:
    rows = Variant.objects.filter(pk__in=variant_ids).values_list(
        "pk", "sku", "product__product_type", "product__tags", "is_bundle", "active", "product__active"
    )
    return {
        pk: Goods(pk, sku, kind, frozenset(tags), is_bundle, active and of_active)
        for pk, sku, kind, tags, is_bundle, active, of_active in rows
    }


def _components(bundle_ids: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    parts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    if bundle_ids:
        # What needs no shipping limits nothing, as in `inventory.bundles`.
        rows = BundleComponent.objects.filter(bundle_id__in=bundle_ids, component__requires_shipping=True).order_by(
            "component_id"
        )
        for bundle, component, quantity in rows.values_list("bundle_id", "component_id", "quantity"):
            parts[bundle].append((component, quantity))
    return parts


_STOCK = """
    SELECT variant_id, array_agg(location_id ORDER BY location_id), array_agg(available ORDER BY location_id)
      FROM inventory_stocklevel WHERE variant_id = ANY(%s) AND NOT sold_out GROUP BY variant_id
"""


def _stock(variant_ids: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
    with connection.cursor() as cursor:
        cursor.execute(_STOCK, [sorted(variant_ids)])
        return {pk: list(zip(places, units, strict=True)) for pk, places, units in cursor.fetchall()}


def _rules(
    channel_ids: Sequence[int], variant_ids: Sequence[int], instead: AvailabilityRule | None
) -> dict[int, list[AvailabilityRule]]:
    """Active rules by channel: those of one SKU only for the SKUs asked for, the most specific first."""
    stored = AvailabilityRule.objects.filter(channel_id__in=channel_ids, active=True).filter(
        ~Q(scope=Scope.SKU) | Q(variant_id__in=variant_ids)
    )
    found = list(stored.order_by("pk"))
    if instead is not None:
        found = [rule for rule in found if not _same_place(rule, instead)]
        if instead.active:
            found.append(instead)
    by_channel: dict[int, list[AvailabilityRule]] = defaultdict(list)
    for rule in sorted(found, key=lambda rule: (-PRECEDENCE[Scope(rule.scope)], rule.pk or 1 << 62)):
        by_channel[rule.channel_id].append(rule)
    return by_channel


def _same_place(rule: AvailabilityRule, other: AvailabilityRule) -> bool:
    key = ("channel_id", "scope", "target", "variant_id")
    return rule.pk == other.pk or all(getattr(rule, name) == getattr(other, name) for name in key)


def _pools(pool_ids: set[int], active: set[int]) -> dict[int, frozenset[int]]:
    members: dict[int, set[int]] = {pk: set() for pk in pool_ids}
    if pool_ids:
        rows = LocationPool.locations.through.objects.filter(locationpool_id__in=pool_ids)
        for pool_id, location_id in rows.values_list("locationpool_id", "location_id"):
            members[pool_id].add(location_id)
    return {pk: frozenset(ids & active) for pk, ids in members.items()}


# Components of a bundle are lines of their own and count as what they are; the bundle counts as often as it was sold whole.
_SALES = """
    WITH recent AS MATERIALIZED (SELECT id FROM orders_order WHERE channel_id = %s AND placed_at >= %s AND placed_at < %s)
    SELECT variant_id, sum(units) FROM (
        SELECT l.variant_id, l.ordered - l.cancelled AS units FROM recent o JOIN orders_orderline l ON l.order_id = o.id
         WHERE l.variant_id IS NOT NULL AND (%s::bigint[] IS NULL OR l.variant_id = ANY(%s))
        UNION ALL
        SELECT b.variant_id, (SELECT min((l.ordered - l.cancelled) / l.per_bundle) FROM orders_orderline l WHERE l.bundle_id = b.id)
          FROM recent o JOIN orders_orderbundle b ON b.order_id = o.id WHERE %s::bigint[] IS NULL OR b.variant_id = ANY(%s)
    ) AS sold GROUP BY 1 HAVING sum(units) > 0
"""


def units_sold(channel_id: int, day: date, zone: str, variant_ids: list[int] | None = None) -> dict[int, int]:
    """variant → units that the channel sold, less cancelled ones, in the 28 days before `day`."""
    begins, ends = sales_window(day, zone)
    with connection.cursor() as cursor:
        cursor.execute(_SALES, [channel_id, begins, ends, *[variant_ids] * 4])
        return {variant: int(units) for variant, units in cursor.fetchall()}


def _sold(pairs: Collection[Pair], today: Mapping[int, date]) -> dict[Pair, int]:
    """Sales as kept for the day; worked out now for a channel that has none of today yet."""
    if not pairs:
        return {}
    by_channel: dict[int, list[int]] = defaultdict(list)
    for channel, variant in pairs:
        by_channel[channel].append(variant)
    days = dict(ChannelState.objects.filter(channel_id__in=by_channel).values_list("channel_id", "sales_day"))
    fresh = [channel for channel in by_channel if days.get(channel) == today[channel]]
    rows = ChannelSales.objects.filter(channel_id__in=fresh, variant_id__in=[variant for _channel, variant in pairs])
    sold = {(channel, variant): units for channel, variant, units in rows.values_list("channel_id", "variant_id", "units")}  # fmt: skip
    stale = [channel for channel in by_channel if channel not in fresh]
    zones = dict(Channel.objects.filter(pk__in=stale).values_list("pk", "time_zone")) if stale else {}
    for channel in stale:
        units = units_sold(channel, today[channel], zones[channel], by_channel[channel])
        sold |= {(channel, variant): count for variant, count in units.items()}
    return sold


_BACKORDERED = """
    SELECT o.channel_id, l.variant_id, sum(l.backordered)
      FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
     WHERE l.backordered > 0 AND o.backordered AND l.variant_id = ANY(%s) AND o.channel_id = ANY(%s) GROUP BY 1, 2
    UNION ALL
    SELECT o.channel_id, b.variant_id, sum((SELECT max(ceil(l.backordered::numeric / l.per_bundle)) FROM orders_orderline l WHERE l.bundle_id = b.id))
      FROM orders_order o JOIN orders_orderbundle b ON b.order_id = o.id
     WHERE o.backordered AND b.variant_id = ANY(%s) AND o.channel_id = ANY(%s) GROUP BY 1, 2
"""


def _backordered(pairs: Collection[Pair]) -> dict[Pair, int]:
    if not pairs:
        return {}
    wanted = [sorted({variant for _channel, variant in pairs}), sorted({channel for channel, _variant in pairs})]
    with connection.cursor() as cursor:
        cursor.execute(_BACKORDERED, [*wanted, *wanted])
        return {(channel, variant): int(units or 0) for channel, variant, units in cursor.fetchall()}


# ---- scopes ----------------------------------------------------------------------------------------------------------


def counted_variants() -> QuerySet[Variant]:
    """Variants that have a number: what needs no shipping has no stock, and neither has a bundle of nothing else."""
    shipped = BundleComponent.objects.filter(bundle=OuterRef("pk"), component__requires_shipping=True)
    return Variant.objects.filter(Q(is_bundle=False, requires_shipping=True) | Q(Exists(shipped), is_bundle=True))


def variants_in(scope: str, target: str, variant_id: int | None) -> QuerySet[Variant]:
    """The variants with a number that a scope has."""
    if scope == Scope.SKU:
        return counted_variants().filter(pk=variant_id or 0)
    if scope == Scope.TYPE:
        return counted_variants().filter(product__product_type=target)
    if scope == Scope.TAG:
        return counted_variants().filter(product__tags__contains=[target])
    return counted_variants()


# ---- the list --------------------------------------------------------------------------------------------------------


def listed() -> QuerySet[ChannelAvailability]:
    """What is shown, with what a row of the list reads."""
    return ChannelAvailability.objects.select_related("channel", "variant", "rule__variant").only(
        "shown", "version", "published_at", "available", "withheld", "extra", "reason", "channel__name", "variant__sku", "variant__title",
        "variant__is_bundle", "rule__scope", "rule__target", "rule__variant__sku", "rule__maximum",
    )  # fmt: skip


def find_shown(queryset: QuerySet[ChannelAvailability], text: str) -> QuerySet[ChannelAvailability]:
    """The rows of the variants that a text finds; few variants are looked up first and named."""
    found = list(search(Variant.objects.order_by(), text).values_list("pk", flat=True)[: NAMED_VARIANTS + 1])
    if len(found) <= NAMED_VARIANTS:
        return queryset.filter(variant_id__in=found)
    return search(queryset, text, column="variant__search")


def receipt_of(channel_id: int, variant_id: int, *, now: datetime, instead: AvailabilityRule | None = None) -> tuple[Receipt, AvailabilityRule | None, Inputs]:  # fmt: skip
    """The receipt of one SKU on one channel as of now, the rule behind it, and what it was worked out from."""
    inputs = load_inputs([(channel_id, variant_id)], now=now, instead=instead)
    receipt, rule = inputs.receipt_of((channel_id, variant_id))
    return receipt, rule, inputs


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would change: SKUs looked at, SKUs in its scope, and some of those that would show another number."""

    looked_at: int
    in_scope: int
    changes: int
    examples: list[tuple[str, int, int]]  # SKU, now, then


#: SKUs that a preview works out at most: it answers a person who waits.
PREVIEWED = 5000
EXAMPLES = 8
_BATCH = 1000


def preview_rule(rule: AvailabilityRule, *, was: AvailabilityRule | None, now: datetime) -> Preview:
    """What would be shown otherwise if `rule` were stored (in place of `was`). Writes nothing; 20 statements a thousand SKUs."""
    scopes = variants_in(rule.scope, rule.target, rule.variant_id)
    ids = list(scopes.order_by("pk").values_list("pk", flat=True)[: PREVIEWED + 1])
    if was is not None and (was.scope, was.target, was.variant_id) != (rule.scope, rule.target, rule.variant_id):
        old = variants_in(was.scope, was.target, was.variant_id).order_by("pk").values_list("pk", flat=True)
        ids = sorted({*ids, *old[: PREVIEWED + 1]})
    in_scope = len(ids) if len(ids) <= PREVIEWED else scopes.count()
    ids = ids[:PREVIEWED]
    changes = 0
    examples: list[tuple[str, int, int]] = []
    for start in range(0, len(ids), _BATCH):
        pairs = [(rule.channel_id, pk) for pk in ids[start : start + _BATCH]]
        before, after = load_inputs(pairs, now=now), load_inputs(pairs, now=now, instead=rule)
        for pair in pairs:
            now_shown, then = before.receipt_of(pair)[0]["shown"], after.receipt_of(pair)[0]["shown"]
            if now_shown != then:
                changes += 1
                if len(examples) < EXAMPLES:
                    examples.append((before.goods[pair[1]].sku, now_shown, then))
    return Preview(len(ids), in_scope, changes, examples)


def names_of_locations(ids: Iterable[int]) -> Mapping[int, str]:
    """id → name."""
    return dict(Location.objects.filter(pk__in=set(ids)).values_list("pk", "name"))
