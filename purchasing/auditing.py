"""What must always be true of purchasing, asked of the data as a whole. Each row of a check is a count
that is wrong (`inventory.operations.auditing.checks.COLUMNS`), or (subject, detail)."""

from __future__ import annotations

CHECKS: dict[str, str] = {
    "purchase_incoming_is_what_is_outstanding": """
        SELECT 'purchase:' || coalesce(l.order_id, m.order_id),
               coalesce(l.variant_id, m.variant_id), coalesce(l.location_id, m.location_id), 'incoming', NULL::bigint,
               coalesce(m.units, 0), coalesce(l.units, 0)
          FROM (SELECT l.order_id, l.variant_id, o.location_id, CASE WHEN o.state IN ('sent', 'confirmed', 'partly_received') THEN l.outstanding ELSE 0 END AS units
                  FROM purchasing_purchaseline l JOIN purchasing_purchaseorder o ON o.id = l.order_id) l
          FULL JOIN (SELECT substr(cause, 10)::bigint AS order_id, variant_id, location_id, sum(quantity) AS units FROM inventory_stockmovement
                      WHERE cause LIKE 'purchase:%' AND bucket = 'incoming' GROUP BY 1, 2, 3) m
            ON m.order_id = l.order_id AND m.variant_id = l.variant_id AND m.location_id = l.location_id
         WHERE coalesce(l.units, 0) <> coalesce(m.units, 0)""",
    "purchase_received_came_through_the_ledger": """
        SELECT 'purchase:' || coalesce(l.order_id, m.order_id),
               coalesce(l.variant_id, m.variant_id), coalesce(l.location_id, m.location_id), coalesce(l.bucket, m.bucket), NULL::bigint,
               coalesce(m.units, 0), coalesce(l.units, 0)
          FROM (SELECT l.order_id, l.variant_id, o.location_id, b.bucket, b.units
                  FROM purchasing_purchaseline l JOIN purchasing_purchaseorder o ON o.id = l.order_id
                 CROSS JOIN LATERAL (VALUES ('on_hand', l.received), ('damaged', l.damaged)) AS b (bucket, units) WHERE b.units <> 0) l
          FULL JOIN (SELECT substr(cause, 10)::bigint AS order_id, variant_id, location_id, bucket, sum(quantity) AS units FROM inventory_stockmovement
                      WHERE cause LIKE 'purchase:%' AND bucket IN ('on_hand', 'damaged') GROUP BY 1, 2, 3, 4) m
            ON m.order_id = l.order_id AND m.variant_id = l.variant_id AND m.location_id = l.location_id AND m.bucket = l.bucket
         WHERE coalesce(l.units, 0) <> coalesce(m.units, 0)""",
    "purchase_receipts_are_what_was_received": """
        SELECT 'purchase:' || l.order_id, format('line %s: %s received, %s on receipts', l.position, l.received, coalesce(r.units, 0))
          FROM purchasing_purchaseline l
          LEFT JOIN (SELECT line_id, sum(quantity) AS units, sum(damaged) AS damaged FROM purchasing_receiptline GROUP BY 1) r ON r.line_id = l.id
         WHERE l.received <> coalesce(r.units, 0) OR l.damaged <> coalesce(r.damaged, 0)""",
    "purchase_counts_its_units": """
        SELECT 'purchase:' || o.id, format('says %s units, %s received, %s outstanding; its lines %s, %s, %s', o.units, o.received, o.outstanding,
                                           coalesce(l.units, 0), coalesce(l.received, 0), coalesce(l.outstanding, 0))
          FROM purchasing_purchaseorder o
          LEFT JOIN (SELECT order_id, sum(coalesce(confirmed, ordered)) AS units, sum(received) AS received, sum(outstanding) AS outstanding
                       FROM purchasing_purchaseline GROUP BY 1) l ON l.order_id = o.id
         WHERE (o.units, o.received, o.outstanding) IS DISTINCT FROM
               (coalesce(l.units, 0), coalesce(l.received, 0), coalesce(l.outstanding, 0))""",
    "cost_layers_are_the_units_of_the_ledger": """
        SELECT 'variant:' || p.variant_id, format('%s units in the pool, %s in layers, the ledger says %s on hand and %s in transit', p.units,
                                                  coalesce(l.units, 0), coalesce(m.units, 0), p.in_transit)
          FROM purchasing_variantcost p
          LEFT JOIN (SELECT variant_id, sum(remaining) AS units FROM purchasing_costlayer GROUP BY 1) l ON l.variant_id = p.variant_id
          LEFT JOIN (SELECT m.variant_id, sum(m.quantity) AS units FROM inventory_stockmovement m
                       JOIN purchasing_costcursor c ON c.variant_id = m.variant_id AND c.location_id = m.location_id AND m.id <= c.movement_id
                      WHERE m.bucket = 'on_hand' GROUP BY 1) m ON m.variant_id = p.variant_id
         WHERE p.units <> coalesce(l.units, 0) OR p.units <> coalesce(m.units, 0) + p.in_transit""",
    "cost_values_are_the_sum_of_their_entries": """
        SELECT 'variant:' || p.variant_id, format('worth %s by FIFO, layers %s, entries %s; %s by average, entries %s', p.fifo_value,
                                                  coalesce(l.value, 0), coalesce(e.fifo, 0), p.average_value, coalesce(e.average, 0))
          FROM purchasing_variantcost p
          LEFT JOIN (SELECT variant_id, sum(remaining_value) AS value FROM purchasing_costlayer GROUP BY 1) l ON l.variant_id = p.variant_id
          LEFT JOIN (SELECT variant_id, sum(fifo_stock) AS fifo, sum(average_stock) AS average FROM purchasing_costentry GROUP BY 1) e
            ON e.variant_id = p.variant_id
         WHERE p.fifo_value <> coalesce(l.value, 0) OR p.fifo_value <> coalesce(e.fifo, 0) OR p.average_value <> coalesce(e.average, 0)""",
}  # fmt: skip
