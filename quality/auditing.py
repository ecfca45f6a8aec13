"""What must hold of nonconformances, asked of the data as a whole; each row is a count that is wrong
(`inventory.operations.auditing.checks.COLUMNS`), or (subject, detail)."""

from __future__ import annotations

#: Name of a check → its statement.
CHECKS: dict[str, str] = {
    "a_case_has_its_units_in_the_bucket": """
        SELECT format('stock:%s:%s', c.variant_id, c.location_id), c.variant_id, c.location_id, c.bucket, NULL::bigint,
               CASE c.bucket WHEN 'damaged' THEN coalesce(s.damaged, 0) ELSE coalesce(s.quality_control, 0) END, c.units
          FROM (SELECT variant_id, location_id, bucket, sum(open_quantity) AS units FROM quality_nonconformance
                 WHERE state = 'open' GROUP BY 1, 2, 3) c
          LEFT JOIN inventory_stocklevel s ON s.variant_id = c.variant_id AND s.location_id = c.location_id
         WHERE c.units > CASE c.bucket WHEN 'damaged' THEN coalesce(s.damaged, 0) ELSE coalesce(s.quality_control, 0) END""",
    "a_case_agrees_with_the_ledger": """
        SELECT 'nonconformance:' || c.id, c.variant_id, c.location_id, b.bucket, c.lot_id, b.found, b.expected
          FROM quality_nonconformance c
          LEFT JOIN (SELECT cause, sum(quantity) FILTER (WHERE bucket IN ('damaged', 'quality_control')) AS held,
                            sum(quantity) FILTER (WHERE bucket = 'on_hand') AS on_hand
                       FROM inventory_stockmovement WHERE cause LIKE 'nonconformance:%' GROUP BY 1) m ON m.cause = 'nonconformance:' || c.id
          LEFT JOIN (SELECT case_id, sum(quantity) FILTER (WHERE resolution IN ('scrap', 'to_supplier')) AS gone
                       FROM quality_decision GROUP BY 1) d ON d.case_id = c.id
         CROSS JOIN LATERAL (VALUES (c.bucket, coalesce(m.held, 0), c.open_quantity - c.adopted),
                                    ('on_hand', coalesce(m.on_hand, 0), -coalesce(d.gone, 0))) AS b (bucket, found, expected)
         WHERE b.found <> b.expected""",
    "a_case_adds_up": """
        SELECT 'nonconformance:' || c.id, format('%s units, %s open, %s decided', c.quantity, c.open_quantity, coalesce(d.units, 0))
          FROM quality_nonconformance c
          LEFT JOIN (SELECT d.case_id, sum(d.quantity) FILTER (WHERE d.resolution <> 'move') AS units FROM quality_decision d GROUP BY 1) d
            ON d.case_id = c.id
          LEFT JOIN (SELECT split_from_id, sum(quantity) AS units FROM quality_nonconformance GROUP BY 1) p ON p.split_from_id = c.id
         WHERE c.quantity <> c.open_quantity + coalesce(d.units, 0) + coalesce(p.units, 0)""",
}  # fmt: skip
