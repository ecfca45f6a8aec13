"""What must hold of counts, asked of the data as a whole; each row is a count that is wrong
(`inventory.operations.auditing.checks.COLUMNS`)."""

from __future__ import annotations

#: Name of a check → its statement.
CHECKS: dict[str, str] = {
    "a_count_posts_what_it_found": """
        SELECT 'count:' || coalesce(l.count_id, m.count_id), coalesce(l.variant_id, m.variant_id), coalesce(l.location_id, m.location_id),
               'on_hand', NULL::bigint, coalesce(m.units, 0), coalesce(l.units, 0)
          FROM (SELECT cl.count_id, cl.variant_id, c.location_id, sum(cl.difference) AS units FROM counts_stockcountline cl
                  JOIN counts_stockcount c ON c.id = cl.count_id WHERE cl.result = 'adjusted' GROUP BY 1, 2, 3) l
          FULL JOIN (SELECT substr(cause, 7)::bigint AS count_id, variant_id, location_id, sum(quantity) AS units FROM inventory_stockmovement
                      WHERE cause LIKE 'count:%' AND bucket = 'on_hand' GROUP BY 1, 2, 3) m
            ON m.count_id = l.count_id AND m.variant_id = l.variant_id AND m.location_id = l.location_id
         WHERE coalesce(l.units, 0) <> coalesce(m.units, 0)""",
}  # fmt: skip
