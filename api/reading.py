"""Orders and stock as the API shows them: a constant number of SQL statements, whatever the number of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext

from fulfillment.models import FulfillmentLine, FulfillmentOrder, Package
from inventory.models import Location
from orders.models import Order, OrderLine
from routing.engine.explain import sentence
from routing.models import RoutingDecision

SUMMARY_COLUMNS = (
    "id", "number", "external_id", "placed_at", "currency", "total", "lifecycle", "payment", "fulfillment", "delivery", "returning",
    "on_hold", "backordered", "needs_routing", "customer_name", "email", "ship_country", "tags", "ship_by", "expected_on",
)  # fmt: skip
_DETAIL_COLUMNS = (
    "subtotal", "discount_total", "shipping_total", "tax_total", "tax_included", "adjustment_total", "cancelled_total",
    "captured_total", "refunded_total", "version", "shipping_address", "billing_address",
)  # fmt: skip
_LINE_COLUMNS = (
    "id", "sku", "title", "unit_price", "discount", "tax", "ordered", "cancelled", "backordered", "allocated", "picked", "packed",
    "shipped", "delivered", "return_requested", "returned", "refunded",
)  # fmt: skip


def summary(order: Order) -> dict[str, Any]:
    """An order as a row of the list."""
    return {name: getattr(order, name) for name in SUMMARY_COLUMNS} | {"channel": order.channel.name}


def detail(order: Order) -> dict[str, Any]:
    """An order with lines, work orders, parcels and receipts."""
    lines = list(OrderLine.objects.filter(order=order).order_by("position"))
    body = summary(order) | {name: getattr(order, name) for name in _DETAIL_COLUMNS}
    body["lines"] = [{name: getattr(line, name) for name in _LINE_COLUMNS} for line in lines]
    body["fulfillment_orders"] = _work(order, {line.pk: line.sku for line in lines})
    body["receipts"] = _receipts(order, {line.variant_id: line.sku for line in lines if line.variant_id})
    return body


def _work(order: Order, skus: dict[int, str]) -> list[dict[str, Any]]:
    found = list(FulfillmentOrder.objects.filter(order=order).select_related("location").order_by("pk"))
    ids = [fulfillment_order.pk for fulfillment_order in found]
    lines: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in FulfillmentLine.objects.filter(fulfillment_order__in=ids).order_by("pk"):
        lines[line.fulfillment_order_id].append(
            {"sku": skus[line.order_line_id], "quantity": line.quantity, "picked": line.picked, "packed": line.packed, "shipped": line.shipped}
        )
    parcels: dict[int, list[dict[str, Any]]] = defaultdict(list)
    labelled = [fulfillment_order.pk for fulfillment_order in found if fulfillment_order.has_label]
    packages = Package.objects.filter(shipment__fulfillment_order__in=labelled).select_related("shipment").order_by("pk")
    for package in packages:
        s = package.shipment
        parcels[s.fulfillment_order_id].append(
            {"tracking_number": package.tracking_number, "carrier": s.carrier, "service": s.service, "state": s.state,
             "handed_over_at": s.handed_over_at, "delivered_at": s.delivered_at}
        )  # fmt: skip
    return [
        {"id": f.pk, "number": f.number, "location": f.location.name, "state": f.state, "ship_by": f.ship_by, "expected_on": f.expected_on,
         "shipped_at": f.shipped_at, "lines": lines[f.pk], "parcels": parcels[f.pk]}
        for f in found
    ]  # fmt: skip


def _receipts(order: Order, skus: dict[int, str]) -> list[dict[str, Any]]:
    decisions = list(RoutingDecision.objects.filter(order=order).order_by("pk"))
    names = dict(Location.objects.filter(pk__in=_sites(decisions)).values_list("pk", "name")) if decisions else {}
    return [
        {"cause": d.cause, "at": d.at, "rules_version": d.rule_set_version, "receipt": d.receipt,
         "sentence": sentence(d.receipt, names, skus, gettext)}
        for d in decisions
    ]  # fmt: skip


def _sites(decisions: Iterable[RoutingDecision]) -> set[int]:
    """The locations that the sentences of receipts may name."""
    return {
        site
        for decision in decisions
        for plan in (decision.receipt.get("chosen"), decision.receipt.get("runner_up"))
        if plan
        for site in plan["sites"]
    }
