"""Reads of orders: the list's rows, and what an order's page shows of its own app."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from babel import Locale
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Concat, NullIf, Trim
from django.utils.translation import get_language, to_locale

from core.addresses import known_country
from core.models import Shop
from orders.models import Hold, HoldLine, Order, OrderBundle, OrderLine
from orders.states import Fulfillment, Lifecycle

#: What a row of the list reads; the wide columns (addresses, search text) stay where they are.
_LISTED = (
    "number", "placed_at", "customer_name", "email", "payment", "fulfillment", "delivery", "lifecycle", "returning", "tags", "total",
    "currency", "ship_country", "ship_by", "expected_on", "shipping_method", "external_id", "channel__name",
)  # fmt: skip


def listed_orders() -> QuerySet[Order]:
    """Orders with what the list shows: `units` (ordered and not cancelled) and `ship_city` besides their own columns.

    The sums are sub-selects, so they are worked out for the rows of the page alone; the channel is joined for the rows and not
    for the counts, as an annotation of its name would be.
    """
    units = (
        OrderLine.objects.filter(order=OuterRef("pk"))
        .order_by()
        .values("order")
        .annotate(units=Sum(F("ordered") - F("cancelled")))
        .values("units")
    )
    return (
        Order.objects.select_related("channel")
        .only(*_LISTED)
        .annotate(units=Subquery(units, output_field=IntegerField()), ship_city=KT("shipping_address__city"))
    )


#: Conditions that a partial or leading index of Order answers; the words of each are those of the index.
TO_ROUTE = Q(needs_routing=True)
ON_HOLD = Q(on_hold=True)
ARCHIVED = Q(archived=True)
UNSEEN = Q(seen_at__isnull=True)
BACKORDERED = Q(backordered=True)
AT_RISK = Q(at_risk=True)
SHIPPED = ~Q(delivery="not_shipped")  # a parcel has left
RETURNS = ~Q(returning="none")


def late(now: datetime) -> Q:
    """Orders that should have left by now and have not."""
    return Q(lifecycle=Lifecycle.OPEN, ship_by__isnull=False, ship_by__lt=now) & ~Q(fulfillment=Fulfillment.FULFILLED)


def with_sku(orders: QuerySet[Order], sku: str) -> QuerySet[Order]:
    """The orders that have this SKU as a line, or were sold it as a bundle."""
    lines = OrderLine.objects.filter(sku=sku)
    bundles = OrderBundle.objects.filter(sku=sku)
    if bundles.exists():  # rarely: so the planner is asked about both only where it must be
        return orders.filter(pk__in=lines.values("order").union(bundles.values("order")))
    return orders.filter(Exists(lines.filter(order=OuterRef("pk"))))


@dataclass(frozen=True, slots=True)
class Stopped:
    """What the open holds of an order stop. whole: how many stop all of it. lines: ids of the lines that others name."""

    whole: int = 0
    lines: frozenset[int] = frozenset()

    def line(self, line_id: int) -> bool:
        """True when units of this line may not move on."""
        return self.whole > 0 or line_id in self.lines


def stopped_by_holds(order_id: int) -> Stopped:
    """What the open holds of one order stop. One statement."""
    rows = Hold.objects.filter(order_id=order_id, released_at__isnull=True).values_list("pk", "whole", "lines__line_id")
    found = list(rows)
    whole = {pk for pk, is_whole, _line in found if is_whole}
    return Stopped(len(whole), frozenset(line for _pk, is_whole, line in found if not is_whole and line is not None))


def is_stopped(order: Order, line_ids: Iterable[int]) -> bool:
    """True when work on these lines of an order must wait for a hold. No statement where the order's columns say it."""
    if not order.on_hold:
        return False
    if order.fulfillment == Fulfillment.ON_HOLD:
        return True  # all of it that has not left
    stopped = stopped_by_holds(order.pk)
    return any(stopped.line(line_id) for line_id in line_ids)


def shop_zone() -> zoneinfo.ZoneInfo:
    """The zone in which the shop counts its days; UTC until one is set."""
    name = Shop.objects.values_list("time_zone", flat=True).first() or "UTC"
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


def day_bounds(day: date, zone: zoneinfo.ZoneInfo) -> tuple[datetime, datetime]:
    """Start of the day and of the next one in the zone; 23 or 25 hours apart where the clocks change."""
    return (
        datetime.combine(day, time.min, tzinfo=zone),
        datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone),
    )


@lru_cache(maxsize=16)
def _countries(locale: str) -> list[tuple[str, str]]:
    territories = Locale.parse(locale).territories
    return sorted(((code, name) for code, name in territories.items() if known_country(code)), key=lambda pair: pair[1])


def country_choices() -> list[tuple[str, str]]:
    """(code, name) of every country in the reader's language, by name."""
    return _countries(to_locale(get_language() or "en"))


def listed_holds() -> QuerySet[Hold]:
    """Open holds of open orders with what their list shows: `skus` of the lines that are stopped where not all are, `owner_name`."""
    skus = HoldLine.objects.filter(hold=OuterRef("pk")).order_by("line__position").values("line__sku")
    full = Trim(Concat("owner__first_name", Value(" "), "owner__last_name"))
    return (
        Hold.objects.filter(released_at__isnull=True, order__lifecycle=Lifecycle.OPEN)
        .select_related("order")
        .only(
            "kind", "reason", "until", "at", "order__number", "order__customer_name", "order__total", "order__currency", "order__payment",
            "order__fulfillment",
        )
        .annotate(skus=ArraySubquery(skus), owner_name=Coalesce(NullIf(full, Value("")), F("owner__username"), Value("")))
    )  # fmt: skip
