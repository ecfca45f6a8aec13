"""What home and the reports show."""

from __future__ import annotations

import zoneinfo
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import F, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from core.listing.counting import Count, count_many
from core.models import Job, JobState, User
from core.shop import shop
from fulfillment.models import FulfillmentOrder, Shipment
from fulfillment.states import WORKABLE_STATES
from inventory.models import StockLevel
from orders.models import Order
from orders.queries import AT_RISK, BACKORDERED, ON_HOLD, TO_ROUTE, day_bounds, late
from orders.states import Lifecycle
from reports.models import DailyFigure, StaleDay
from returns.models import Return

#: How far home counts: below it a number is exact.
COUNT_CAP = 10_000
#: Days back in which an ended job with errors still wants a person.
JOB_DAYS = 7
UNITS_FRESH = 60


@dataclass(frozen=True, slots=True)
class Tile:
    """A number with its name and the list behind it."""

    label: str
    count: Count
    note: str
    url: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class _Counted:
    queryset: QuerySet[Any]
    label: str
    note: str
    url: str
    permission: str = "home.view"
    tone: str = ""


def _tiles(counted: list[_Counted], user: User) -> list[Tile]:
    """All counts in one statement, each to the cap only."""
    mine = [one for one in counted if user.can(one.permission)]
    counts = count_many([one.queryset for one in mine], cap=COUNT_CAP) if mine else []
    return [Tile(one.label, count, one.note, one.url, one.tone) for one, count in zip(mine, counts, strict=True)]


def live_counts(user: User, *, now: datetime, zone: zoneinfo.ZoneInfo) -> list[Tile]:
    """Where the shop stands: today's movements (days of the shop's zone) and what is open now. One statement."""
    start, _end = day_bounds(now.astimezone(zone).date(), zone)
    today = _("today")
    orders, work = reverse("orders"), reverse("fulfillment")
    since = f"{orders}?placed_from={start.date().isoformat()}"
    return _tiles(
        [
            _Counted(Order.objects.filter(placed_at__gte=start), _("Placed"), today, since),
            _Counted(
                Order.objects.filter(lifecycle=Lifecycle.OPEN), _("Open"), _("not finished"), f"{orders}?lifecycle=open"
            ),
            _Counted(
                FulfillmentOrder.objects.filter(state__in=WORKABLE_STATES),
                _("To ship"),
                _("in the building"),
                work,
                "fulfillment.view",
            ),
            _Counted(
                Order.objects.filter(late(now)), _("Late"), _("should have left"), f"{orders}?late=yes", tone="bad"
            ),
            _Counted(
                FulfillmentOrder.objects.filter(shipped_at__gte=start), _("Shipped"), today, f"{orders}?tab=shipped"
            ),
            _Counted(
                Shipment.objects.filter(delivered_at__gte=start), _("Delivered"), today, f"{orders}?delivery=delivered"
            ),
            _Counted(
                Return.objects.filter(received_at__gte=start), _("Returned"), today, reverse("returns"), "returns.view"
            ),
        ],
        user,
    )


def needs_a_person(user: User, *, now: datetime) -> list[Tile]:
    """What stands still until somebody acts; only what is there. One statement."""
    orders, jobs = reverse("orders"), reverse("jobs")
    recent = Job.objects.filter(created_at__gte=now - timedelta(days=JOB_DAYS))
    asked = [
        _Counted(Order.objects.filter(TO_ROUTE), _("To route"), _("no location may ship them"), f"{orders}?tab=to-route", "orders.view"),
        _Counted(Order.objects.filter(BACKORDERED), _("Back-ordered"), _("wait for stock"), f"{orders}?tab=back-ordered", "orders.view"),
        _Counted(Order.objects.filter(ON_HOLD), _("On hold"), _("wait for a decision"), f"{orders}?tab=on-hold", "orders.view"),
        _Counted(
            Order.objects.filter(AT_RISK), _("At risk"), _("may miss the promised day"), f"{orders}?tab=at-risk", "orders.view", "bad",
        ),
        _Counted(
            Return.objects.filter(state="requested"), _("Returns to approve"), _("the customer waits"), f"{reverse('returns')}?tab=requested",
            "returns.approve",
        ),
        _Counted(
            Shipment.objects.filter(state="exception"), _("Parcels in trouble"), _("reported by the carrier"), f"{orders}?delivery=exception",
            "fulfillment.view", "bad",
        ),
        _Counted(
            recent.filter(kind__startswith="print", failed__gt=0), _("Prints with errors"), _("some papers are missing"), f"{jobs}?tab=failed",
            "fulfillment.print", "bad",
        ),
        _Counted(recent.filter(state=JobState.FAILED), _("Failed jobs"), _("can be resumed"), f"{jobs}?tab=failed", "jobs.cancel", "bad"),
    ]  # fmt: skip
    return [tile for tile in _tiles(asked, user) if tile.count]


@dataclass(frozen=True, slots=True)
class Range:
    """Some days of the shop's zone, both ends among them."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


@dataclass(frozen=True, slots=True)
class Total:
    """Revenue over all currencies, in the shop's."""

    currency: str
    by_day: dict[date, Decimal] = field(default_factory=dict)
    by_channel: dict[str, Decimal] = field(default_factory=dict)

    @property
    def revenue(self) -> Decimal:
        return sum(self.by_day.values(), Decimal(0))


@dataclass(frozen=True, slots=True)
class Figures:
    """The daily figures of a range, added up in the ways the charts want.

    Revenue is by currency, and sums never mix currencies but one: `total` is everything in the shop's own currency, each order at the
    rate fixed when it was placed. unrated: currency → (orders, amount) that have no such rate and so are not in it.
    """

    range: Range
    orders_by_day: dict[date, int]
    cancelled: int
    revenue_by_day: dict[str, dict[date, Decimal]]
    refunded: dict[str, Decimal]
    orders_by_channel: dict[str, int]
    revenue_by_channel: dict[str, dict[str, Decimal]]
    by_day_and_channel: dict[str, dict[date, int]]
    rows: list[tuple[date, str, str, int, int, Decimal, Decimal, Decimal, Decimal, int]]
    being_made: bool
    total: Total
    unrated: dict[str, tuple[int, Decimal]]

    @property
    def orders(self) -> int:
        return sum(self.orders_by_day.values())

    @property
    def revenue(self) -> dict[str, Decimal]:
        return {currency: sum(days.values(), Decimal(0)) for currency, days in self.revenue_by_day.items()}

    def currencies(self, own: str) -> list[str]:
        """The currencies of the range: the shop's own first, then by orders; amounts of two currencies do not compare."""
        orders: Counter[str] = Counter()
        for _day, _channel, currency, count, *_amounts in self.rows:
            orders[currency] += count
        return sorted(orders, key=lambda currency: (currency != own, -orders[currency], currency))


#: What is read of a row; figures that were made for another currency of the shop's are made anew in a moment and not added up.
_READ = (
    "day", "channel__name", "currency", "orders", "cancelled", "revenue", "refunded", "own_revenue", "own_refunded", "unrated",
    "unrated_revenue", "own_currency",
)  # fmt: skip


def figures_for(wanted: Range) -> Figures:
    """Read the kept figures of a range of days. Three statements."""
    own = shop().currency
    kept = list(
        DailyFigure.objects.filter(day__gte=wanted.first, day__lte=wanted.last)
        .order_by("day", "channel__name", "currency")
        .values_list(*_READ)
    )
    found = Figures(
        wanted, dict.fromkeys(wanted.days, 0), sum(row[4] for row in kept), {}, {}, {}, {}, {}, [row[:10] for row in kept],
        StaleDay.objects.filter(day__gte=wanted.first, day__lte=wanted.last).exists(), Total(own), {},
    )  # fmt: skip
    for (
        day,
        channel,
        currency,
        orders,
        _cancelled,
        revenue,
        refunded,
        own_revenue,
        _own,
        unrated,
        missing,
        made,
    ) in kept:
        found.orders_by_day[day] += orders
        _add(found.revenue_by_day.setdefault(currency, {}), day, revenue)
        _add(found.refunded, currency, refunded)
        _add(found.orders_by_channel, channel, orders)
        _add(found.revenue_by_channel.setdefault(currency, {}), channel, revenue)
        _add(found.by_day_and_channel.setdefault(channel, {}), day, orders)
        if made == own:
            _add(found.total.by_day, day, own_revenue)
            _add(found.total.by_channel, channel, own_revenue)
        if unrated:
            count, amount = found.unrated.get(currency, (0, Decimal(0)))
            found.unrated[currency] = (count + unrated, amount + missing)
    return found


def _add(sums: dict[Any, Any], key: Any, value: Any) -> None:
    sums[key] = sums.get(key, 0) + value


@dataclass(frozen=True, slots=True)
class UnitsAt:
    """The units of one location: what can be promised, what is reserved, what may not be sold."""

    location: str
    available: int
    reserved: int
    blocked: int

    @property
    def on_hand(self) -> int:
        return self.available + self.reserved + self.blocked


def units_by_location() -> list[UnitsAt]:
    """Units on hand at every active location, the most first. The sum over all levels is remembered for a minute."""
    return _remembered("reports.units", UNITS_FRESH, _units_by_location)


def _units_by_location() -> list[UnitsAt]:
    rows = (
        StockLevel.objects.filter(Q(location__active=True))
        .order_by()
        .values("location__name")
        .annotate(
            available_units=Sum("available"),
            reserved_units=Sum("reserved"),
            blocked_units=Sum(F("damaged") + F("quality_control") + F("safety_stock")),
        )
    )
    found = [
        UnitsAt(row["location__name"], max(0, row["available_units"]), row["reserved_units"], row["blocked_units"])
        for row in rows
    ]
    return sorted(found, key=lambda units: (-units.on_hand, units.location))


def _remembered(key: str, seconds: int, read: Callable[[], Any]) -> Any:
    value = cache.get(key)
    if value is None:
        value = read()
        cache.set(key, value, seconds)
    return value
