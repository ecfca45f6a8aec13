"""What must hold of nonconformances, asked of the data as a whole; each row is (subject, detail) of something wrong."""

from __future__ import annotations

#: Name of a check → its statement.
CHECKS: dict[str, str] = {
    "a_case_has_its_units_in_the_bucket": """
        SELECT format('stock:%s:%s', c.variant_id, c.location_id),
               format('%s: cases have %s open units, the bucket holds %s', c.bucket, c.units,
                      CASE c.bucket WHEN 'damaged' THEN coalesce(s.damaged, 0) ELSE coalesce(s.quality_control, 0) END)
          FROM (SELECT variant_id, location_id, bucket, sum(open_quantity) AS units FROM quality_nonconformance
                 WHERE state = 'open' GROUP BY 1, 2, 3) c
          LEFT JOIN inventory_stocklevel s ON s.variant_id = c.variant_id AND s.location_id = c.location_id
         WHERE c.units > CASE c.bucket WHEN 'damaged' THEN coalesce(s.damaged, 0) ELSE coalesce(s.quality_control, 0) END""",
    "a_case_agrees_with_the_ledger": """
        SELECT 'nonconformance:' || c.id, format('%s open units of which %s were there before; the ledger says %s; %s left the building, the ledger says %s',
               c.open_quantity, c.adopted, coalesce(m.held, 0), coalesce(d.gone, 0), -coalesce(m.on_hand, 0))
          FROM quality_nonconformance c
          LEFT JOIN (SELECT cause, sum(quantity) FILTER (WHERE bucket IN ('damaged', 'quality_control')) AS held,
                            sum(quantity) FILTER (WHERE bucket = 'on_hand') AS on_hand
                       FROM inventory_stockmovement WHERE cause LIKE 'nonconformance:%' GROUP BY 1) m ON m.cause = 'nonconformance:' || c.id
          LEFT JOIN (SELECT case_id, sum(quantity) FILTER (WHERE resolution IN ('scrap', 'to_supplier')) AS gone
                       FROM quality_decision GROUP BY 1) d ON d.case_id = c.id
         WHERE c.open_quantity - c.adopted <> coalesce(m.held, 0) OR coalesce(d.gone, 0) <> -coalesce(m.on_hand, 0)""",
    "a_case_adds_up": """
        SELECT 'nonconformance:' || c.id, format('%s units, %s open, %s decided', c.quantity, c.open_quantity, coalesce(d.units, 0))
          FROM quality_nonconformance c
          LEFT JOIN (SELECT d.case_id, sum(d.quantity) FILTER (WHERE d.resolution <> 'move') AS units FROM quality_decision d GROUP BY 1) d
            ON d.case_id = c.id
          LEFT JOIN (SELECT split_from_id, sum(quantity) AS units FROM quality_nonconformance GROUP BY 1) p ON p.split_from_id = c.id
         WHERE c.quantity <> c.open_quantity + coalesce(d.units, 0) + coalesce(p.units, 0)""",
}  # fmt: skip
