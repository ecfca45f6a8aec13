"""Every invariant of the domain, asked of the data as a whole: reads only, names what it finds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count, Q

from availability.auditing import CHECKS as AVAILABILITY_CHECKS
from counts.auditing import CHECKS as COUNT_CHECKS
from drafts.auditing import CHECKS as DRAFT_CHECKS
from drafts.auditing import NEEDS as DRAFT_NEEDS
from fulfillment.auditing import CHECKS as FULFILLMENT_CHECKS
from inventory.operations.auditing import audit_stock, find
from invoicing.auditing import CHECKS as INVOICE_CHECKS
from orders.models import HoldLine, Order
from orders.status import compute_statuses
from payments.auditing import CHECKS as PAYMENT_CHECKS
from payments.owed.auditing import CHECKS as CREDIT_CHECKS
from purchasing.auditing import CHECKS as PURCHASE_CHECKS
from quality.auditing import CHECKS as QUALITY_CHECKS
from transfers.auditing import CHECKS as TRANSFER_CHECKS

STATUS_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that breaks an invariant."""

    check: str
    subject: str
    detail: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


#: Checks in SQL: each row is a count of stock that is wrong (`inventory.operations.auditing.checks.COLUMNS`), or (subject, detail).
CHECKS: dict[str, str] = {
    "reservation_has_an_owner_that_needs_it": f"""
        SELECT coalesce(r.owner, w.owner), coalesce(r.variant_id, w.variant_id), coalesce(r.location_id, w.location_id), 'reserved', NULL::bigint,
               coalesce(r.quantity, 0), coalesce(w.units, 0)
          FROM (SELECT * FROM inventory_reservation WHERE quantity > 0) r
          FULL JOIN (
            SELECT 'order_line:' || fl.order_line_id AS owner, fo.location_id, sum(fl.quantity - fl.shipped) AS units, max(ol.variant_id) AS variant_id
              FROM fulfillment_fulfillmentline fl JOIN fulfillment_fulfillmentorder fo ON fo.id = fl.fulfillment_order_id
              JOIN orders_orderline ol ON ol.id = fl.order_line_id
             WHERE fo.state IN ('scheduled', 'open', 'on_hold', 'picking', 'picked', 'packed') GROUP BY 1, 2
            HAVING sum(fl.quantity - fl.shipped) > 0
            UNION ALL
            SELECT 'transfer_line:' || tl.id, t.origin_id, tl.quantity, tl.variant_id
              FROM transfers_transferline tl JOIN transfers_transfer t ON t.id = tl.transfer_id WHERE t.state = 'ready'
            UNION ALL {DRAFT_NEEDS}
          ) w ON w.owner = r.owner AND w.location_id = r.location_id
         WHERE coalesce(r.quantity, 0) <> coalesce(w.units, 0)""",  # noqa: S608 - our own words
    "picked_lots_lie_in_totes": """
        SELECT 'lot:' || coalesce(ll.lot_id, t.lot_id), coalesce(lot.variant_id, other.variant_id), coalesce(ll.location_id, t.location_id), 'picked',
               coalesce(ll.lot_id, t.lot_id), coalesce(ll.picked, 0), coalesce(t.units, 0)
          FROM (SELECT * FROM inventory_lotlevel WHERE picked <> 0) ll
          FULL JOIN (SELECT n.lot_id, fo.location_id, sum(n.quantity) AS units FROM fulfillment_linelot n
                       JOIN fulfillment_fulfillmentline fl ON fl.id = n.line_id JOIN fulfillment_fulfillmentorder fo ON fo.id = fl.fulfillment_order_id
                      WHERE fo.state IN ('scheduled', 'open', 'on_hold', 'picking', 'picked', 'packed') GROUP BY 1, 2) t
            ON t.lot_id = ll.lot_id AND t.location_id = ll.location_id
          LEFT JOIN inventory_lot lot ON lot.id = ll.lot_id LEFT JOIN inventory_lot other ON other.id = t.lot_id
         WHERE coalesce(ll.picked, 0) <> coalesce(t.units, 0)""",
    "packed_serials_are_in_stock": """
        SELECT 'serial:' || s.id, s.variant_id, fo.location_id, 'serials', NULL::bigint, 0, 1
          FROM fulfillment_lineserial n JOIN inventory_serialnumber s ON s.id = n.serial_id
          JOIN fulfillment_fulfillmentline fl ON fl.id = n.line_id JOIN fulfillment_fulfillmentorder fo ON fo.id = fl.fulfillment_order_id
          JOIN inventory_variant v ON v.id = s.variant_id AND v.tracking = 'serial'
         WHERE NOT n.left AND (s.state <> 'in_stock' OR s.location_id <> fo.location_id)""",
    "line_quantities_match_work_orders": """
        SELECT 'order:' || l.order_id, format('line %s: allocated %s picked %s packed %s shipped %s, work orders say %s %s %s %s',
               l.position, l.allocated, l.picked, l.packed, l.shipped, w.quantity, w.picked, w.packed, w.shipped)
          FROM orders_orderline l
          JOIN LATERAL (
            SELECT coalesce(sum(CASE WHEN fo.state IN ('cancelled', 'incomplete') THEN fl.shipped ELSE fl.quantity END), 0) AS quantity,
                   coalesce(sum(CASE WHEN fo.state IN ('cancelled', 'incomplete') THEN fl.shipped ELSE fl.picked END), 0) AS picked,
                   coalesce(sum(CASE WHEN fo.state IN ('cancelled', 'incomplete') THEN fl.shipped ELSE fl.packed END), 0) AS packed,
                   coalesce(sum(fl.shipped), 0) AS shipped
              FROM fulfillment_fulfillmentline fl JOIN fulfillment_fulfillmentorder fo ON fo.id = fl.fulfillment_order_id
             WHERE fl.order_line_id = l.id
          ) w ON true
         WHERE l.shipped < w.shipped
            OR NOT (l.allocated - w.quantity = l.shipped - w.shipped AND l.picked - w.picked = l.shipped - w.shipped
                    AND l.packed - w.packed = l.shipped - w.shipped)""",
    "work_order_counts_its_units": """
        SELECT 'fulfillment:' || fo.id, format('says %s units, its lines %s', fo.units, coalesce(sum(fl.quantity), 0))
          FROM fulfillment_fulfillmentorder fo LEFT JOIN fulfillment_fulfillmentline fl ON fl.fulfillment_order_id = fo.id
         GROUP BY fo.id HAVING fo.units <> coalesce(sum(fl.quantity), 0)""",
    "shipped_stock_left_through_the_ledger": """
        SELECT 'order:' || o.id, format('%s units shipped from here, the ledger says %s', s.units, coalesce(m.units, 0))
          FROM (SELECT fo.order_id, sum(fl.shipped) AS units FROM fulfillment_fulfillmentline fl
                  JOIN fulfillment_fulfillmentorder fo ON fo.id = fl.fulfillment_order_id GROUP BY 1 HAVING sum(fl.shipped) > 0) s
          JOIN orders_order o ON o.id = s.order_id
          LEFT JOIN (SELECT CASE WHEN cause LIKE 'order:%' THEN substr(cause, 7)::bigint
                                 ELSE (SELECT order_id FROM fulfillment_fulfillmentorder WHERE id = substr(cause, 13)::bigint) END AS order_id,
                            -sum(quantity) AS units
                       FROM inventory_stockmovement
                      WHERE reason = 'shipped' AND bucket = 'on_hand' AND (cause LIKE 'order:%' OR cause LIKE 'fulfillment:%') GROUP BY 1) m
            ON m.order_id = s.order_id
         WHERE s.units <> coalesce(m.units, 0)""",
    "held_units_lie_in_work_on_hold": """
        SELECT 'fulfillment:' || fo.id, format('it is %s although %s', fo.state, CASE WHEN fo.state = 'on_hold' THEN 'no hold stops it' ELSE 'a hold stops line ' || l.position END)
          FROM fulfillment_fulfillmentorder fo JOIN fulfillment_fulfillmentline fl ON fl.fulfillment_order_id = fo.id AND fl.quantity > fl.picked
          JOIN orders_orderline l ON l.id = fl.order_line_id
         WHERE fo.state IN ('scheduled', 'open', 'on_hold')
           AND (fo.state = 'on_hold') <> EXISTS (
                 SELECT FROM orders_hold h WHERE h.order_id = fo.order_id AND h.released_at IS NULL
                    AND (h.whole OR EXISTS (SELECT FROM orders_holdline hl WHERE hl.hold_id = h.id AND hl.line_id = l.id)))""",
    **TRANSFER_CHECKS,
    **PURCHASE_CHECKS,
    **COUNT_CHECKS,
    **QUALITY_CHECKS,
    **AVAILABILITY_CHECKS,
    **FULFILLMENT_CHECKS,
    **PAYMENT_CHECKS,
    **CREDIT_CHECKS,
    **INVOICE_CHECKS,
    **DRAFT_CHECKS,
    "an_order_arrives_once": """
        SELECT format('channel:%s', channel_id), external_id FROM orders_order GROUP BY channel_id, external_id HAVING count(*) > 1""",
    "a_label_is_bought_once_per_parcel": """
        SELECT 'fulfillment:' || fulfillment_order_id, format('%s live shipments', count(*)) FROM fulfillment_shipment
         WHERE direction = 'outbound' AND state <> 'voided' AND fulfillment_order_id IS NOT NULL
         GROUP BY fulfillment_order_id HAVING count(*) > 1
        UNION ALL
        SELECT 'shipment:' || s.id, 'a bought label without a tracking number' FROM fulfillment_shipment s
         WHERE s.state NOT IN ('label_requested', 'voided', 'void_requested')
           AND NOT EXISTS (SELECT FROM fulfillment_package p WHERE p.shipment_id = s.id)""",
    "money_of_lines_is_the_orders": """
        SELECT 'order:' || o.id, format('goods %s, lines %s; discounts %s, lines %s', o.subtotal, l.goods, o.discount_total, l.discounts)
          FROM orders_order o
          JOIN (SELECT order_id, sum(unit_price * ordered) AS goods, sum(discount) AS discounts, sum(tax) AS taxes
                  FROM orders_orderline GROUP BY 1) l ON l.order_id = o.id
         WHERE o.subtotal <> l.goods OR o.discount_total <> l.discounts OR o.tax_total < l.taxes""",
    "bundles_are_sold_in_whole_sets": """
        SELECT 'order:' || b.order_id, format('%s × %s: line %s has %s units of %s', b.quantity, b.sku, l.position, l.ordered, b.quantity * l.per_bundle)
          FROM orders_orderbundle b LEFT JOIN orders_orderline l ON l.bundle_id = b.id
         WHERE l.id IS NULL OR l.order_id <> b.order_id OR l.ordered <> b.quantity * l.per_bundle""",
    "money_of_bundles_is_that_of_their_lines": """
        SELECT 'order:' || b.order_id, format('%s: goods %s, lines %s; discount %s, lines %s', b.sku, b.unit_price * b.quantity, l.goods, b.discount, l.discount)
          FROM orders_orderbundle b
          JOIN (SELECT bundle_id, sum(unit_price * ordered) AS goods, sum(discount) AS discount, sum(tax) AS tax
                  FROM orders_orderline WHERE bundle_id IS NOT NULL GROUP BY 1) l ON l.bundle_id = b.id
         WHERE b.unit_price * b.quantity <> l.goods OR b.discount <> l.discount OR b.tax <> l.tax""",
    "an_order_has_lines": """
        SELECT 'order:' || o.id, 'no lines' FROM orders_order o
         WHERE NOT EXISTS (SELECT FROM orders_orderline l WHERE l.order_id = o.id)""",
    "captured_is_the_sum_of_payments": """
        SELECT 'order:' || o.id, format('captured %s, payments %s', o.captured_total, coalesce(p.total, 0))
          FROM orders_order o
          LEFT JOIN (SELECT order_id, sum(amount) FILTER (WHERE kind = 'capture') AS total FROM orders_paymentrecord GROUP BY 1) p ON p.order_id = o.id
         WHERE o.captured_total <> coalesce(p.total, 0)""",
    "refunded_is_the_sum_of_refunds": """
        SELECT 'order:' || o.id, format('refunded %s, refunds %s, captured %s', o.refunded_total, coalesce(r.total, 0), o.captured_total)
          FROM orders_order o LEFT JOIN (SELECT order_id, sum(amount) AS total FROM orders_refund GROUP BY 1) r ON r.order_id = o.id
         WHERE o.refunded_total <> coalesce(r.total, 0) OR o.refunded_total > o.captured_total""",
    "returns_match_their_lines": """
        SELECT 'order:' || l.order_id, format('line %s: %s asked back, returns say %s', l.position, l.return_requested, coalesce(r.units, 0))
          FROM orders_orderline l
          LEFT JOIN (SELECT rl.order_line_id, sum(CASE WHEN r.state IN ('inspected', 'resolved') THEN rl.received ELSE rl.quantity END) AS units
                       FROM returns_returnline rl JOIN returns_return r ON r.id = rl.return_request_id
                      WHERE r.state NOT IN ('declined', 'cancelled') GROUP BY 1) r ON r.order_line_id = l.id
         WHERE l.return_requested <> coalesce(r.units, 0)""",
    "every_order_has_a_history": """
        SELECT 'order:' || o.id, 'no line in its history' FROM orders_order o
         WHERE NOT EXISTS (SELECT FROM core_timelineentry t WHERE t.subject = 'order:' || o.id)""",
    "every_movement_has_actor_and_cause": """
        SELECT 'movement:' || id, 'no actor or cause' FROM inventory_stockmovement WHERE actor = '' OR cause = ''""",
    "what_pickers_took_is_in_open_parcels": """
        SELECT 'lot:' || lot_id, format('%s units in totes at location %s, open work orders say %s', coalesce(l.picked, 0), location_id, coalesce(w.units, 0))
          FROM (SELECT lot_id, location_id, picked FROM inventory_lotlevel WHERE picked <> 0) l
          FULL JOIN (SELECT u.lot_id, fo.location_id, sum(u.quantity) AS units
                       FROM fulfillment_linelot u JOIN fulfillment_fulfillmentline fl ON fl.id = u.line_id
                       JOIN fulfillment_fulfillmentorder fo ON fo.id = fl.fulfillment_order_id
                      WHERE fl.shipped = 0 GROUP BY 1, 2) w USING (lot_id, location_id)
         WHERE coalesce(l.picked, 0) <> coalesce(w.units, 0)""",
    "a_packed_serial_number_is_where_its_parcel_is": """
        SELECT 'serial:' || s.id, format('%s, but packed in work order %s', s.state, fo.number)
          FROM fulfillment_lineserial u JOIN inventory_serialnumber s ON s.id = u.serial_id
          JOIN fulfillment_fulfillmentline fl ON fl.id = u.line_id
          JOIN fulfillment_fulfillmentorder fo ON fo.id = fl.fulfillment_order_id
          JOIN inventory_variant v ON v.id = s.variant_id
         WHERE NOT u."left" AND v.tracking = 'serial' AND (s.state <> 'in_stock' OR s.location_id <> fo.location_id OR NOT s.picked)""",
    # An event that still waits for a worker is not lost; one whose handler gave up is.
    "what_happened_was_told": """
        SELECT 'event:' || d.event_id, format('%s gave up: %s', d.handler, left(d.error, 120))
          FROM core_outboxdelivery d WHERE d.gave_up_at IS NOT NULL""",
}  # fmt: skip


def check_integrity(*, limit: int = 100) -> tuple[list[str], list[Finding]]:
    """Names of all checks, and what they found: at most `limit` of each."""
    found = audit_stock(limit=limit)
    for name, statement in CHECKS.items():
        found += find(name, statement, limit=limit)
    findings = [Finding(each.check, each.where, each.told) for each in found]
    findings += list(_stale_statuses(limit))
    return [*CHECKS, "statuses_are_what_they_are_computed_from"], findings


def _stale_statuses(limit: int) -> Iterator[Finding]:
    """Orders whose stored statuses are not the pure function of their inputs."""
    found = 0
    orders = Order.objects.annotate(
        open_holds=Count("holds", filter=Q(holds__released_at__isnull=True, holds__whole=True))
    ).order_by("pk")
    last = 0
    while batch := list(orders.filter(pk__gt=last).prefetch_related("lines")[:STATUS_BATCH]):
        last = batch[-1].pk
        held = _held_lines(batch)
        for order in batch:
            statuses = compute_statuses(order, order.lines.all(), holds=order.open_holds, held_lines=held[order.pk])
            wrong = [name for name in statuses.__slots__ if getattr(order, name) != getattr(statuses, name)]
            if wrong:
                detail = ", ".join(
                    f"{name} is {getattr(order, name)}, should be {getattr(statuses, name)}" for name in wrong
                )
                yield Finding("statuses_are_what_they_are_computed_from", order.subject, detail)
                found += 1
                if found >= limit:
                    return


def _held_lines(orders: Iterable[Order]) -> dict[int, set[int]]:
    """Order → ids of its lines that open holds on lines name."""
    held: dict[int, set[int]] = defaultdict(set)
    rows = HoldLine.objects.filter(hold__order__in=list(orders), hold__released_at__isnull=True)
    for order_id, line_id in rows.values_list("hold__order_id", "line_id"):
        held[order_id].add(line_id)
    return held
