"""What must hold of stock itself, in SQL. Each row of a check is one thing that is wrong, with the columns of `COLUMNS`."""

from __future__ import annotations

#: subject of the timeline, keys (any of them null), what is found and what should be.
COLUMNS = ("subject", "variant_id", "location_id", "bucket", "lot_id", "found", "expected")
_BUCKETS = ("on_hand", "reserved", "damaged", "quality_control", "safety_stock", "incoming")
BUCKET_SUMS = """
    WITH ledger AS (
        SELECT variant_id, location_id, bucket, sum(quantity) AS total FROM inventory_stockmovement GROUP BY 1, 2, 3
    ), level AS (
        SELECT s.variant_id, s.location_id, b.bucket, b.count FROM inventory_stocklevel s
        CROSS JOIN LATERAL (VALUES ('on_hand', s.on_hand), ('reserved', s.reserved), ('damaged', s.damaged),
            ('quality_control', s.quality_control), ('safety_stock', s.safety_stock), ('incoming', s.incoming)) AS b (bucket, count)
         WHERE b.count <> 0
    )
    SELECT format('stock:%s:%s', variant_id, location_id), variant_id, location_id, bucket, NULL::bigint, coalesce(level.count, 0), coalesce(ledger.total, 0)
      FROM level FULL JOIN ledger USING (variant_id, location_id, bucket)
     WHERE coalesce(level.count, 0) <> coalesce(ledger.total, 0)
"""
RESERVED = """
    SELECT format('stock:%s:%s', variant_id, location_id), variant_id, location_id, 'reserved', NULL::bigint, coalesce(s.reserved, 0), coalesce(p.total, 0)
      FROM (SELECT * FROM inventory_stocklevel WHERE reserved <> 0) s
      FULL JOIN (SELECT variant_id, location_id, sum(quantity) AS total FROM inventory_reservation WHERE quantity > 0 GROUP BY 1, 2) p
     USING (variant_id, location_id)
     WHERE coalesce(s.reserved, 0) <> coalesce(p.total, 0)
"""
#: Of a count below zero nothing can be known but that it is none.
NEGATIVE = """
    SELECT format('stock:%s:%s', s.variant_id, s.location_id), s.variant_id, s.location_id, b.bucket, NULL::bigint, b.count, 0
      FROM inventory_stocklevel s
     CROSS JOIN LATERAL (VALUES ('on_hand', s.on_hand), ('reserved', s.reserved), ('damaged', s.damaged),
            ('quality_control', s.quality_control), ('safety_stock', s.safety_stock), ('incoming', s.incoming)) AS b (bucket, count)
     WHERE b.count < 0
"""
OVERSOLD = """
    SELECT format('stock:%s:%s', s.variant_id, s.location_id), s.variant_id, s.location_id, 'on_hand', NULL::bigint, s.on_hand,
           s.reserved + s.damaged + s.quality_control
      FROM inventory_stocklevel s WHERE s.on_hand < s.reserved + s.damaged + s.quality_control
"""
LOT_SUMS = """
    WITH ledger AS (
        SELECT lot_id, location_id, bucket, sum(quantity) AS total FROM inventory_stockmovement WHERE lot_id IS NOT NULL GROUP BY 1, 2, 3
    ), level AS (
        SELECT ll.lot_id, ll.location_id, b.bucket, b.count FROM inventory_lotlevel ll
        CROSS JOIN LATERAL (VALUES ('on_hand', ll.on_hand), ('damaged', ll.damaged), ('quality_control', ll.quality_control)) AS b (bucket, count)
         WHERE b.count <> 0
    )
    SELECT format('lot:%s', lot.id), lot.variant_id, location_id, bucket, lot.id, coalesce(level.count, 0), coalesce(ledger.total, 0)
      FROM level FULL JOIN ledger USING (lot_id, location_id, bucket)
      JOIN inventory_lot lot ON lot.id = lot_id
     WHERE coalesce(level.count, 0) <> coalesce(ledger.total, 0)
"""
#: For a variant followed by lot every unit is of one; for others none is.
LOTS_OF_LEVEL = """
    WITH lots AS (
        SELECT lot.variant_id, ll.location_id, sum(ll.on_hand) AS on_hand, sum(ll.damaged) AS damaged,
               sum(ll.quality_control) AS quality_control
          FROM inventory_lotlevel ll JOIN inventory_lot lot ON lot.id = ll.lot_id GROUP BY 1, 2
    )
    SELECT format('stock:%s:%s', s.variant_id, s.location_id), s.variant_id, s.location_id, b.bucket, NULL::bigint, b.found, b.expected
      FROM inventory_variant v
      JOIN inventory_stocklevel s ON s.variant_id = v.id
      LEFT JOIN lots ON lots.variant_id = s.variant_id AND lots.location_id = s.location_id
     CROSS JOIN LATERAL (VALUES
        ('on_hand', coalesce(lots.on_hand, 0), CASE v.tracking WHEN 'lot' THEN s.on_hand ELSE 0 END),
        ('damaged', coalesce(lots.damaged, 0), CASE v.tracking WHEN 'lot' THEN s.damaged ELSE 0 END),
        ('quality_control', coalesce(lots.quality_control, 0), CASE v.tracking WHEN 'lot' THEN s.quality_control ELSE 0 END)
     ) AS b (bucket, found, expected)
     WHERE (v.tracking = 'lot' OR lots.variant_id IS NOT NULL) AND b.found <> b.expected
"""
SERIALS_OF_LEVEL = """
    SELECT format('stock:%s:%s', n.variant_id, n.location_id), n.variant_id, n.location_id, 'serials', NULL::bigint, n.count, coalesce(s.on_hand, 0)
      FROM (SELECT variant_id, location_id, count(*) AS count FROM inventory_serialnumber WHERE state = 'in_stock' GROUP BY 1, 2) n
      JOIN inventory_variant v ON v.id = n.variant_id
      LEFT JOIN inventory_stocklevel s ON s.variant_id = n.variant_id AND s.location_id = n.location_id
     WHERE v.tracking = 'serial' AND n.count > coalesce(s.on_hand, 0)
"""
#: A bundle is made of others: it lies nowhere, nothing of it is promised, and none of its components is a bundle.
STOCKED_BUNDLES = """
    SELECT format('stock:%s:%s', s.variant_id, s.location_id), s.variant_id, s.location_id, 'on_hand', NULL::bigint, s.on_hand, 0
      FROM inventory_stocklevel s JOIN inventory_variant v ON v.id = s.variant_id AND v.is_bundle
     UNION ALL
    SELECT format('stock:%s:%s', r.variant_id, r.location_id), r.variant_id, r.location_id, 'reserved', NULL::bigint, r.quantity, 0
      FROM inventory_reservation r JOIN inventory_variant v ON v.id = r.variant_id AND v.is_bundle WHERE r.quantity > 0
"""
#: Components that are plain variants, of how many.
BUNDLES_IN_BUNDLES = """
    SELECT format('variant:%s', v.id), v.id, NULL::bigint, 'components', NULL::bigint,
           count(c.id) FILTER (WHERE v.is_bundle AND NOT m.is_bundle), greatest(count(c.id), 1)
      FROM inventory_variant v LEFT JOIN inventory_bundlecomponent c ON c.bundle_id = v.id
      LEFT JOIN inventory_variant m ON m.id = c.component_id
     WHERE v.is_bundle OR c.id IS NOT NULL GROUP BY v.id
    HAVING count(c.id) = 0 OR bool_or(NOT v.is_bundle OR m.is_bundle)
"""
#: Each snapshot counts the ledger up to its row. The ledger is read once: between two snapshots, then summed.
_SUMS = ", ".join(f"coalesce(sum(m.quantity) FILTER (WHERE m.bucket = '{b}'), 0) AS {b}" for b in _BUCKETS)
_TOTALS = ", ".join(f"sum(p.{b}) OVER way AS {b}" for b in _BUCKETS)
_PAIRS = ", ".join(f"('{b}', s.{b}, t.{b})" for b in _BUCKETS)
SNAPSHOTS = f"""
    WITH cut AS (
        SELECT id, variant_id, location_id, movement_id, lag(movement_id, 1, 0::bigint) OVER (PARTITION BY variant_id, location_id ORDER BY movement_id, id) AS after
          FROM inventory_stocksnapshot
    ), part AS (
        SELECT cut.id, cut.variant_id, cut.location_id, cut.movement_id, {_SUMS}
          FROM cut LEFT JOIN inventory_stockmovement m
            ON m.variant_id = cut.variant_id AND m.location_id = cut.location_id AND m.id > cut.after AND m.id <= cut.movement_id
         GROUP BY 1, 2, 3, 4
    ), total AS (
        SELECT p.id, {_TOTALS} FROM part p WINDOW way AS (PARTITION BY p.variant_id, p.location_id ORDER BY p.movement_id, p.id)
    )
    SELECT format('snapshot:%s', s.id), s.variant_id, s.location_id, b.bucket, NULL::bigint, b.found, b.expected
      FROM inventory_stocksnapshot s JOIN total t ON t.id = s.id
     CROSS JOIN LATERAL (VALUES {_PAIRS}) AS b (bucket, found, expected)
     WHERE b.found <> b.expected
"""  # noqa: S608 - made of the names of buckets
#: A snapshot whose moment does not part the ledger: a row is counted though later, or not counted though earlier.
UNCLEAN_CUTS = """
    WITH cut AS (
        SELECT id, variant_id, location_id, at, movement_id, lag(movement_id, 1, 0::bigint) OVER way AS after,
               lead(movement_id, 1, 9223372036854775807) OVER way AS until
          FROM inventory_stocksnapshot WINDOW way AS (PARTITION BY variant_id, location_id ORDER BY movement_id, id)
    ), part AS (
        SELECT cut.id, cut.variant_id, cut.location_id, cut.at, cut.movement_id, max(m.at) AS latest
          FROM cut LEFT JOIN inventory_stockmovement m
            ON m.variant_id = cut.variant_id AND m.location_id = cut.location_id AND m.id > cut.after AND m.id <= cut.movement_id
         GROUP BY 1, 2, 3, 4, 5
    ), next AS (
        SELECT cut.id, min(m.at) AS earliest FROM cut JOIN inventory_stockmovement m
            ON m.variant_id = cut.variant_id AND m.location_id = cut.location_id AND m.id > cut.movement_id AND m.id <= cut.until
         GROUP BY 1
    ), side AS (
        SELECT part.*, max(part.latest) OVER (PARTITION BY variant_id, location_id ORDER BY movement_id, part.id) AS before,
               min(next.earliest) OVER (PARTITION BY variant_id, location_id ORDER BY movement_id DESC, part.id DESC) AS "then"
          FROM part LEFT JOIN next ON next.id = part.id
    )
    SELECT format('snapshot:%s', id), variant_id, location_id, 'clean cut', NULL::bigint, 0, 1 FROM side WHERE before > at OR "then" <= at
"""

CHECKS: dict[str, str] = {
    "level_is_sum_of_ledger": BUCKET_SUMS,
    "reserved_is_sum_of_reservations": RESERVED,
    "no_count_is_negative": NEGATIVE,
    "nothing_is_oversold": OVERSOLD,
    "lot_level_is_sum_of_ledger": LOT_SUMS,
    "lots_sum_to_level": LOTS_OF_LEVEL,
    "serials_are_at_most_on_hand": SERIALS_OF_LEVEL,
    "a_bundle_has_no_stock": STOCKED_BUNDLES,
    "a_bundle_is_made_of_plain_variants": BUNDLES_IN_BUNDLES,
    "a_snapshot_is_the_ledger_up_to_it": SNAPSHOTS,
    "a_snapshot_is_a_clean_cut": UNCLEAN_CUTS,
}
