"""What must hold of counts, asked of the data as a whole; each row is (subject, detail) of something wrong."""

from __future__ import annotations

#: Name of a check → its statement.
CHECKS: dict[str, str] = {
    "a_count_posts_what_it_found": """
        SELECT 'count:' || coalesce(l.count_id, m.count_id), format('variant %s: lines say %s, the ledger says %s',
               coalesce(l.variant_id, m.variant_id), coalesce(l.units, 0), coalesce(m.units, 0))
          FROM (SELECT count_id, variant_id, sum(difference) AS units FROM counts_stockcountline
                 WHERE result = 'adjusted' GROUP BY 1, 2) l
          FULL JOIN (SELECT substr(cause, 7)::bigint AS count_id, variant_id, sum(quantity) AS units FROM inventory_stockmovement
                      WHERE cause LIKE 'count:%' AND bucket = 'on_hand' GROUP BY 1, 2) m
            ON m.count_id = l.count_id AND m.variant_id = l.variant_id
         WHERE coalesce(l.units, 0) <> coalesce(m.units, 0)""",
}  # fmt: skip
