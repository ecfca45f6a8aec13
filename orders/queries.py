"""Reads of orders: the list's rows, and what an order's page shows of its own app."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from babel import Locale
from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.fields.json import KT
from django.utils.translation import get_language, to_locale

from core.addresses import known_country
from core.models import Shop
from orders.models import Order, OrderBundle, OrderLine
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
BACKORDERED = Q(backordered=True)
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
