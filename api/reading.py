"""Orders as the API shows them: one SQL statement for one order, however many lines, parcels and receipts it has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext

from core.money import is_exact, quantize
from orders.models import Order
from routing.engine.explain import sentence

SUMMARY_COLUMNS = (
    "id", "number", "external_id", "placed_at", "currency", "total", "lifecycle", "payment", "fulfillment", "delivery", "returning",
    "on_hold", "backordered", "needs_routing", "customer_name", "email", "ship_country", "tags", "ship_by", "expected_from", "expected_on", "at_risk",
)  # fmt: skip
_ORDER_MONEY = (
    "total", "subtotal", "discount_total", "shipping_total", "tax_total", "adjustment_total", "cancelled_total", "captured_total",
    "refunded_total",
)  # fmt: skip
_LINE_MONEY = ("unit_price", "discount", "tax")

#: Amounts leave PostgreSQL as text, because a JSON number would come back as a float.
_DETAIL = """
    SELECT json_build_object(
      'order', (SELECT row_to_json(r) FROM (
          SELECT o.id, o.number, c.name AS channel, o.external_id, o.placed_at, o.currency, o.total::text, o.lifecycle, o.payment, o.fulfillment,
                 o.delivery, o."returning", o.on_hold, o.backordered, o.needs_routing, o.customer_name, o.email, o.ship_country, o.tags, o.ship_by,
                 o.expected_from, o.expected_on, o.at_risk, o.subtotal::text, o.discount_total::text, o.shipping_total::text, o.tax_total::text, o.tax_included,
                 o.adjustment_total::text, o.cancelled_total::text, o.captured_total::text, o.refunded_total::text, o.version,
                 o.shipping_address, o.billing_address) r),
      'lines', (SELECT json_agg(row_to_json(l) ORDER BY l.position) FROM (
          SELECT id, position, bundle_id, per_bundle, variant_id, sku, title, unit_price::text, discount::text, tax::text, ordered, cancelled, backordered, allocated,
                 picked, packed, shipped, delivered, return_requested, returned, refunded FROM orders_orderline WHERE order_id = o.id) l),
      'bundles', (SELECT coalesce(json_agg(row_to_json(b) ORDER BY b.position), '[]') FROM (
          SELECT g.id, g.position, g.sku, g.title, g.quantity, g.unit_price::text, g.discount::text, g.tax::text,
                 (SELECT json_agg(m.id ORDER BY m.position) FROM orders_orderline m WHERE m.bundle_id = g.id) AS line_ids
            FROM orders_orderbundle g WHERE g.order_id = o.id) b),
      'fulfillment_orders', (SELECT coalesce(json_agg(row_to_json(f) ORDER BY f.id), '[]') FROM (
          SELECT f.id, f.number, l.name AS location, f.state, f.ship_by, f.expected_from, f.expected_on, f.shipped_at, f.version,
                 (SELECT coalesce(json_agg(json_build_object('sku', ol.sku, 'quantity', fl.quantity, 'picked', fl.picked, 'packed', fl.packed,
                                                    'shipped', fl.shipped) ORDER BY fl.id), '[]')
                    FROM fulfillment_fulfillmentline fl JOIN orders_orderline ol ON ol.id = fl.order_line_id
                   WHERE fl.fulfillment_order_id = f.id) AS lines,
                 (SELECT coalesce(json_agg(json_build_object('tracking_number', p.tracking_number, 'carrier', s.carrier, 'service', s.service,
                                                    'state', s.state, 'handed_over_at', s.handed_over_at, 'delivered_at', s.delivered_at)
                                  ORDER BY p.id), '[]')
                    FROM fulfillment_shipment s JOIN fulfillment_package p ON p.shipment_id = s.id
                   WHERE s.fulfillment_order_id = f.id) AS parcels
            FROM fulfillment_fulfillmentorder f JOIN inventory_location l ON l.id = f.location_id WHERE f.order_id = o.id) f),
      'receipts', (SELECT coalesce(json_agg(json_build_object('cause', d.cause, 'at', d.at, 'rules_version', d.rule_set_version, 'receipt', d.receipt,
                       'names', (SELECT json_object_agg(l.id, l.name) FROM inventory_location l
                                  WHERE l.id IN (SELECT jsonb_array_elements_text(d.receipt->'chosen'->'sites')::bigint
                                                 UNION SELECT jsonb_array_elements_text(d.receipt->'runner_up'->'sites')::bigint)))
                       ORDER BY d.id), '[]')
                     FROM routing_routingdecision d WHERE d.order_id = o.id))::text
      FROM orders_order o JOIN orders_channel c ON c.id = o.channel_id WHERE o.id = %s
"""


def summary(order: Order) -> dict[str, Any]:
    """An order as a row of the list."""
    row = {name: getattr(order, name) for name in SUMMARY_COLUMNS} | {"channel": order.channel.name}
    return row | {"total": amount_text(order.total, order.currency)}


def detail(order_id: int) -> dict[str, Any] | None:
    """An order with lines, work orders, parcels and receipts, of JSON types only; None when there is no such order."""
    with connection.cursor() as cursor:
        cursor.execute(_DETAIL, [order_id])
        row = cursor.fetchone()
    if row is None:
        return None
    found = json.loads(row[0])
    body: dict[str, Any] = found["order"]
    _write_money(body, _ORDER_MONEY, body["currency"])
    skus = {}
    for line in found["lines"] or []:
        skus[line.pop("variant_id")] = line["sku"]
        del line["position"]
        _write_money(line, _LINE_MONEY, body["currency"])
    for bundle in found["bundles"]:
        del bundle["position"]
        _write_money(bundle, _LINE_MONEY, body["currency"])
    return body | {
        "lines": found["lines"] or [],
        "bundles": found["bundles"],
        "fulfillment_orders": found["fulfillment_orders"],
        "receipts": [_receipt(receipt, skus) for receipt in found["receipts"]],
    }


def amount_text(amount: Decimal, currency: str) -> str:
    """An amount in the decimals of its currency; a finer unit price keeps its own."""
    return str(quantize(amount, currency)) if is_exact(amount, currency) else str(amount.normalize())


def _write_money(row: dict[str, Any], names: tuple[str, ...], currency: str) -> None:
    for name in names:
        row[name] = amount_text(Decimal(row[name]), currency)


def _receipt(stored: dict[str, Any], skus: Mapping[int, str]) -> dict[str, Any]:
    names = {int(pk): name for pk, name in (stored.pop("names") or {}).items()}
    return stored | {"sentence": sentence(stored["receipt"], names, skus, gettext)}
