"""What must hold of transfers, asked of all of them in SQL: each row is a count that is wrong (`inventory.operations.auditing.checks.COLUMNS`),
or (subject, detail)."""

from __future__ import annotations

CHECKS: dict[str, str] = {
    # What a transfer announced at its destination is what is still outstanding, SKU by SKU.
    "incoming_of_transfers_is_outstanding": """
        SELECT coalesce(l.cause, m.cause), coalesce(l.variant_id, m.variant_id), coalesce(l.place, m.location_id), 'incoming', NULL::bigint,
               coalesce(m.units, 0), coalesce(l.units, 0)
          FROM (SELECT 'transfer:' || t.id AS cause, tl.variant_id, t.destination_id AS place,
                       CASE t.state WHEN 'ready' THEN tl.quantity
                                    WHEN 'in_transit' THEN tl.shipped - tl.received - tl.lost - tl.returned ELSE 0 END AS units
                  FROM transfers_transferline tl JOIN transfers_transfer t ON t.id = tl.transfer_id) l
          FULL JOIN (SELECT cause, variant_id, location_id, sum(quantity) AS units FROM inventory_stockmovement
                      WHERE bucket = 'incoming' AND cause LIKE 'transfer:%' GROUP BY 1, 2, 3 HAVING sum(quantity) <> 0) m
            ON m.cause = l.cause AND m.variant_id = l.variant_id AND m.location_id = l.place
         WHERE coalesce(m.units, 0) <> coalesce(l.units, 0)""",
    # What left, arrived, came back or was found moved on hand, and nothing else did.
    "transfers_moved_what_they_say": """
        SELECT coalesce(l.cause, m.cause), coalesce(l.variant_id, m.variant_id), coalesce(l.place, m.location_id), 'on_hand', NULL::bigint,
               coalesce(m.units, 0), coalesce(l.units, 0)
          FROM (SELECT 'transfer:' || t.id AS cause, tl.variant_id, e.place, e.units
                  FROM transfers_transferline tl JOIN transfers_transfer t ON t.id = tl.transfer_id
                  LEFT JOIN (SELECT line_id, sum(over) AS units FROM transfers_arrival
                              WHERE undone_at IS NULL AND over_reason = 'sent_more' GROUP BY 1) more ON more.line_id = tl.id
                  LEFT JOIN (SELECT line_id, sum(quantity) FILTER (WHERE found_at = 'origin') AS origin,
                                    sum(quantity) FILTER (WHERE found_at = 'destination') AS destination
                               FROM transfers_settlement GROUP BY 1) found ON found.line_id = tl.id
                 CROSS JOIN LATERAL (VALUES
                       (t.origin_id, tl.returned - tl.shipped - coalesce(more.units, 0) + coalesce(found.origin, 0)),
                       (t.destination_id, tl.received + tl.over + coalesce(found.destination, 0))) AS e (place, units)
                 WHERE e.units <> 0) l
          FULL JOIN (SELECT cause, variant_id, location_id, sum(quantity) AS units FROM inventory_stockmovement
                      WHERE bucket = 'on_hand' AND cause LIKE 'transfer:%' GROUP BY 1, 2, 3 HAVING sum(quantity) <> 0) m
            ON m.cause = l.cause AND m.variant_id = l.variant_id AND m.location_id = l.place
         WHERE coalesce(m.units, 0) <> coalesce(l.units, 0)""",
    # No more numbers are on their way than units, and one that is on its way is so with a transfer.
    "serials_on_the_way_are_outstanding": """
        SELECT 'transfer:' || tl.transfer_id, tl.variant_id, t.destination_id, 'serials', NULL::bigint, n.count, tl.shipped - tl.received - tl.lost - tl.returned
          FROM (SELECT ls.line_id, count(*) AS count FROM transfers_lineserial ls
                  JOIN inventory_serialnumber s ON s.id = ls.serial_id AND s.state = 'in_transit' WHERE ls.way = 'on_the_way' GROUP BY 1) n
          JOIN transfers_transferline tl ON tl.id = n.line_id JOIN transfers_transfer t ON t.id = tl.transfer_id
         WHERE n.count > tl.shipped - tl.received - tl.lost - tl.returned
        UNION ALL
        SELECT 'serial:' || s.id, s.variant_id, NULL, 'transfers', NULL::bigint, 0, 1 FROM inventory_serialnumber s
         WHERE s.state = 'in_transit' AND NOT EXISTS (SELECT FROM transfers_lineserial ls WHERE ls.serial_id = s.id AND ls.way = 'on_the_way')""",
    "transfers_sum_their_lines": """
        SELECT 'transfer:' || t.id, 'its counts are not the sums of its lines, arrivals and settlements'
          FROM transfers_transfer t
          LEFT JOIN (SELECT transfer_id, sum(quantity) AS units, sum(shipped) AS shipped, sum(received) AS received, sum(damaged) AS damaged,
                            sum(over) AS over, sum(lost) AS lost, sum(returned) AS returned, sum(found) AS found
                       FROM transfers_transferline GROUP BY 1) l ON l.transfer_id = t.id
         WHERE (t.units, t.shipped, t.received, t.damaged, t.over, t.lost, t.returned, t.found)
            IS DISTINCT FROM (coalesce(l.units, 0), coalesce(l.shipped, 0), coalesce(l.received, 0), coalesce(l.damaged, 0),
                              coalesce(l.over, 0), coalesce(l.lost, 0), coalesce(l.returned, 0), coalesce(l.found, 0))
        UNION ALL
        SELECT 'transfer:' || tl.transfer_id, format('line %s: its arrivals or settlements say something else', tl.position)
          FROM transfers_transferline tl
          LEFT JOIN (SELECT line_id, sum(quantity - over) AS received, sum(over) AS over, sum(damaged) AS damaged
                       FROM transfers_arrival WHERE undone_at IS NULL GROUP BY 1) a ON a.line_id = tl.id
          LEFT JOIN (SELECT line_id, sum(quantity) FILTER (WHERE reason IN ('lost', 'stolen')) AS lost,
                            sum(quantity) FILTER (WHERE reason = 'back') AS returned,
                            sum(quantity) FILTER (WHERE found_at <> '') AS found FROM transfers_settlement GROUP BY 1) s ON s.line_id = tl.id
         WHERE (tl.received, tl.over, tl.damaged, tl.lost, tl.returned, tl.found)
            IS DISTINCT FROM (coalesce(a.received, 0), coalesce(a.over, 0), coalesce(a.damaged, 0),
                              coalesce(s.lost, 0), coalesce(s.returned, 0), coalesce(s.found, 0))""",
}  # fmt: skip
