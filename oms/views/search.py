"""One field that finds anything: an order by any of its data, a product, a customer, a work order, a return, a parcel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.models import User
from core.permissions import require
from core.search import search as find
from customers.models import Customer
from fulfillment.models import FulfillmentOrder, Package
from inventory.models import Variant
from orders.models import Order
from returns.models import Return

MAX_QUERY = 200
PALETTE_ROWS = 6
PAGE_ROWS = 25


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: its name, what tells it from others, where it is. exact: the text is its whole name."""

    url: str
    title: str
    detail: str
    exact: bool = False
    status: tuple[str, str] | None = None  # (badge registry, value)


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one kind, newest first; more: there are others on `all_url`."""

    label: str
    icon: str
    hits: list[Hit]
    more: bool
    all_url: str


@require("home.view")
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Results while typing (the palette asks for the fragment), a page of results, or straight to the only thing meant."""
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:MAX_QUERY]
    in_palette = request.htmx and request.htmx.target == "palette-results"
    groups = find_everything(text, request.user, rows=PALETTE_ROWS if in_palette else PAGE_ROWS) if text else []
    if in_palette:
        return render(request, "oms/search_results.html", {"groups": groups, "q": text})
    meant = only_meant(groups)
    if meant is not None:
        return redirect(meant.url)
    return render(request, "oms/search.html", {"groups": groups, "q": text})


def only_meant(groups: list[Group]) -> Hit | None:
    """The one hit that can be meant: the only exact one, else the only one at all."""
    hits = [hit for group in groups for hit in group.hits]
    exact = [hit for hit in hits if hit.exact]
    if len(exact) == 1:
        return exact[0]
    return hits[0] if len(hits) == 1 else None


def find_everything(text: str, user: User, *, rows: int) -> list[Group]:
    """What the person may see of everything that matches, `rows` of each kind at most. One or two statements per kind."""
    groups = (finder(text, rows) for permission, finder in _FINDERS if user.can(permission))
    return [group for group in groups if group.hits]


def _numbers(text: str) -> list[str]:
    """The ways in which a number may be meant: as typed, in capitals, with the sign that shops put before it."""
    return list(dict.fromkeys([text, text.upper(), f"#{text}"]))


def _page(queryset: QuerySet[Any], rows: int) -> tuple[list[Any], bool]:
    found = list(queryset[: rows + 1])
    return found[:rows], len(found) > rows


def _orders(text: str, rows: int) -> Group:
    exact = list(Order.objects.filter(number__in=_numbers(text)).order_by("-placed_at", "-id")[:rows])
    found, more = _page(find(Order.objects.order_by("-placed_at", "-id"), text), rows)
    orders = exact + [order for order in found if order not in exact]
    hits = [
        Hit(
            reverse("order", args=[order.pk]),
            order.number,
            order.customer_name or order.email,
            exact=order in exact,
            status=("order.fulfillment", order.fulfillment),
        )
        for order in orders[:rows]
    ]
    return Group(_("Orders"), "inbox", hits, more, _list_url("orders", text))


def _fulfillment_orders(text: str, rows: int) -> Group:
    found = FulfillmentOrder.objects.select_related("location").filter(number__in=_numbers(text))[:rows]
    hits = [
        Hit(
            reverse("fulfillment-order", args=[one.pk]),
            one.number,
            one.location.name,
            exact=True,
            status=("fulfillment", one.state),
        )
        for one in found
    ]
    return Group(_("Fulfillment orders"), "truck", hits, False, reverse("fulfillment"))


def _parcels(text: str, rows: int) -> Group:
    compact = text.replace(" ", "").upper()
    found = Package.objects.select_related("shipment__order").filter(tracking_number__in={text, compact})[:rows]
    hits = [
        Hit(
            reverse("order", args=[parcel.shipment.order_id]),
            parcel.tracking_number,
            parcel.shipment.order.number,
            exact=True,
        )
        for parcel in found
    ]
    return Group(_("Parcels"), "box", hits, False, "")


def _returns(text: str, rows: int) -> Group:
    found = Return.objects.select_related("order").filter(number__in=_numbers(text))[:rows]
    hits = [Hit(reverse("return", args=[one.pk]), one.number, one.order.customer_name, exact=True) for one in found]
    return Group(_("Returns"), "return", hits, False, reverse("returns"))


def _variants(text: str, rows: int) -> Group:
    exact = list(Variant.objects.filter(Q(sku=text) | Q(barcode=text)).order_by("sku")[:rows])
    found, more = _page(find(Variant.objects.order_by("sku"), text), rows)
    variants = exact + [variant for variant in found if variant not in exact]
    hits = [
        Hit(reverse("product", args=[variant.product_id]), variant.sku, variant.title, exact=variant in exact)
        for variant in variants[:rows]
    ]
    return Group(_("Products"), "tag", hits, more, _list_url("products", text))


def _customers(text: str, rows: int) -> Group:
    """By e-mail, or as the buyers of matching orders: an order's search text holds the names and addresses of its buyer."""
    buyers = find(Order.objects.order_by("-placed_at", "-id"), text).filter(customer__isnull=False)
    ids = list(dict.fromkeys(buyers.values_list("customer_id", flat=True)[: rows * 4]))[: rows + 1]
    found = list(Customer.objects.filter(Q(email=text.lower()) | Q(pk__in=ids)))
    hits = [
        Hit(
            reverse("customer", args=[one.pk]),
            one.name or one.email or _("Customer without a name"),
            one.email or "",
            exact=one.email == text.lower(),
        )
        for one in sorted(found[:rows], key=lambda one: ids.index(one.pk) if one.pk in ids else -1)
    ]
    return Group(_("Customers"), "users", hits, len(found) > rows, _list_url("customers", text))


def _list_url(name: str, text: str) -> str:
    return f"{reverse(name)}?{urlencode({'q': text})}"


_FINDERS: list[tuple[str, Callable[[str, int], Group]]] = [
    ("orders.view", _orders),
    ("fulfillment.view", _fulfillment_orders),
    ("orders.view", _parcels),
    ("returns.view", _returns),
    ("inventory.view", _variants),
    ("customers.view", _customers),
]
