"""The sections of the dashboard, for every page: what this person may see, with the counts of what waits there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.cache import cache
from django.db.models import Count as CountRows
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from core.listing.counting import Count, count_many
from core.models import Job
from fulfillment.models import FulfillmentOrder
from fulfillment.states import WORKABLE_STATES
from orders.models import Mention, Order
from replenishment.queries import open_alerts
from returns.models import Return

#: Seconds for which the counts are good enough, and how far they count.
COUNTS_FRESH = 10
COUNTS_CAP = 999
_COUNTS_KEY = "navigation.counts"
_MENTIONS_KEY = "navigation.mentions"


@dataclass(frozen=True, slots=True)
class Section:
    """A place of the dashboard. key: pressed after `g`. count: name in _COUNTED of what waits there."""

    label: Any
    icon: str
    route: str
    permission: str
    key: str = ""
    count: str = ""
    query: str = ""
    children: tuple[Section, ...] = ()


SECTIONS = (
    Section(_("Home"), "home", "home", "home.view", key="h"),
    Section(
        _("Orders"),
        "inbox",
        "orders",
        "orders.view",
        key="o",
        children=(
            Section(_("To route"), "route", "orders", "orders.view", query="?tab=to-route", count="to_route"),
            Section(_("On hold"), "clock", "orders", "orders.view", query="?tab=on-hold", count="on_hold"),
            Section(_("Holds"), "lock", "holds", "orders.view"),
            Section(_("Back-ordered"), "box", "orders", "orders.view", query="?tab=back-ordered", count="backordered"),
            Section(_("Drafts"), "edit", "drafts", "drafts.view"),
            Section(_("Filling"), "box", "backorders", "backorders.view"),
        ),
    ),
    Section(_("Mentions"), "note", "mentions", "orders.view", key="m", count="mentions"),
    Section(
        _("Fulfillment"),
        "truck",
        "fulfillment",
        "fulfillment.view",
        key="f",
        count="to_ship",
        children=(Section(_("Delivery times"), "clock", "delivery-lanes", "fulfillment.view"),),
    ),
    Section(
        _("Payments"),
        "bolt",
        "payments",
        "payments.view",
        key="y",
        children=(
            Section(_("Receivables"), "clock", "receivables", "payments.view"),
            Section(_("Invoices"), "note", "invoices", "invoices.view"),
            Section(_("Store credit"), "users", "store-credit", "payments.view"),
            Section(_("Exchange rates"), "globe", "rates", "payments.view"),
        ),
    ),
    Section(_("Risk"), "alert", "risk", "risk.view"),
    Section(_("Returns"), "return", "returns", "returns.view", key="r", count="returns"),
    Section(_("Customers"), "users", "customers", "customers.view", key="c"),
    Section(_("Products"), "tag", "products", "inventory.view", key="p"),
    Section(
        _("Stock"),
        "box",
        "stock",
        "inventory.view",
        key="s",
        children=(
            Section(_("Transfers"), "truck", "transfers", "transfers.view"),
            Section(_("Counts"), "check", "counts", "counts.view"),
            Section(_("Lots"), "clock", "lots", "inventory.view"),
            Section(_("Serial numbers"), "scan", "serials", "inventory.view"),
            Section(_("Set aside"), "alert", "quality", "quality.view"),
            Section(_("Availability"), "globe", "availability", "availability.view"),
        ),
    ),
    Section(
        _("Purchasing"),
        "download",
        "purchase-orders",
        "purchasing.view",
        key="b",
        children=(
            Section(_("Suppliers"), "users", "suppliers", "purchasing.view"),
            Section(_("Low stock"), "alert", "alerts", "replenishment.view", count="alerts"),
            Section(_("Reorder"), "chart", "reorder", "replenishment.view"),
            Section(_("Forecast"), "chart", "forecast", "replenishment.view"),
            Section(_("Costs"), "chart", "costs", "costs.view"),
        ),
    ),
    Section(_("Locations"), "store", "locations", "inventory.view", key="l"),
    Section(_("Routing"), "route", "routing", "routing.view", key="t"),
    Section(_("Channels"), "globe", "channels", "channels.view", key="n"),
    Section(_("Imports"), "download", "imports", "imports.run", key="i"),
    Section(_("Reports"), "chart", "reports", "reports.view", key="e"),
    Section(_("Jobs"), "bolt", "jobs", "jobs.view", key="j", count="jobs"),
    Section(_("People"), "user", "users", "users.view", key="u"),
    Section(_("Settings"), "gear", "settings", "settings.edit", key="g"),
)

#: What waits in a section: each is answered by a partial index, and counted to the cap only.
_COUNTED: dict[str, Callable[[], QuerySet[Any]]] = {
    "to_route": lambda: Order.objects.filter(needs_routing=True),
    "on_hold": lambda: Order.objects.filter(on_hold=True),
    "backordered": lambda: Order.objects.filter(backordered=True),
    "to_ship": lambda: FulfillmentOrder.objects.filter(state__in=WORKABLE_STATES),
    "returns": lambda: Return.objects.filter(state="requested").exclude(
        state__in=["resolved", "declined", "cancelled"]
    ),
    "alerts": open_alerts,
    "jobs": lambda: Job.objects.filter(state__in=["queued", "running"]),
}


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the sections this person may see; worked out only where a template shows them."""
    return {"navigation": SimpleLazyObject(lambda: _items(request))}


def waiting_counts() -> dict[str, Count]:
    """How much waits in each section: one statement, remembered for some seconds."""
    counts: dict[str, Count] | None = cache.get(_COUNTS_KEY)
    if counts is None:
        numbers = count_many([queryset() for queryset in _COUNTED.values()], cap=COUNTS_CAP)
        counts = dict(zip(_COUNTED, numbers, strict=True))
        cache.set(_COUNTS_KEY, counts, COUNTS_FRESH)
    return counts


def unread_mentions() -> dict[int, Count]:
    """Person → notes that name them and wait to be read: one statement for all, remembered for some seconds."""
    counts: dict[int, Count] | None = cache.get(_MENTIONS_KEY)
    if counts is None:
        rows = Mention.objects.filter(seen_at__isnull=True).values("user_id").annotate(n=CountRows("pk"))
        counts = {row["user_id"]: Count(row["n"]) for row in rows}
        cache.set(_MENTIONS_KEY, counts, COUNTS_FRESH)
    return counts


def _items(request: HttpRequest) -> list[dict[str, Any]]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    counts = waiting_counts() | {"mentions": unread_mentions().get(user.pk)}
    return [item for section in SECTIONS if (item := _item(section, request, counts))]


def _item(section: Section, request: HttpRequest, counts: dict[str, Count]) -> dict[str, Any] | None:
    url = _url_of(section.route)
    if not url or not request.user.can(section.permission):
        return None
    here = request.get_full_path() if section.query else request.path
    active = here == url + section.query or (not section.query and url != "/" and request.path.startswith(url))
    children = [item for child in section.children if (item := _item(child, request, counts))]
    return {
        "label": section.label,
        "icon": section.icon,
        "url": url + section.query,
        "key": section.key,
        "count": counts.get(section.count),
        "active": active,
        "children": children,
        "open": active or any(child["active"] for child in children),
    }


@lru_cache(maxsize=64)
def _url_of(route: str) -> str:
    """The route's address; empty where this installation has no such page."""
    try:
        return reverse(route)
    except NoReverseMatch:
        return ""
