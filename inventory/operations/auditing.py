"""Proof from the ledger: levels are the sums of their movements, reserved is the sum of open reservations, nothing is oversold, and the
units of a variant that is followed are all told apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

BUCKET_SUMS = """
    WITH ledger AS (
        SELECT variant_id, location_id, bucket, sum(quantity) AS total FROM inventory_stockmovement GROUP BY 1, 2, 3
    ), level AS (
        SELECT s.variant_id, s.location_id, b.bucket, b.count FROM inventory_stocklevel s
        CROSS JOIN LATERAL (VALUES ('on_hand', s.on_hand), ('reserved', s.reserved), ('damaged', s.damaged),
            ('quality_control', s.quality_control), ('safety_stock', s.safety_stock), ('incoming', s.incoming)) AS b (bucket, count)
         WHERE b.count <> 0
    )
    SELECT v.sku, l.name, bucket, coalesce(level.count, 0), coalesce(ledger.total, 0)
      FROM level FULL JOIN ledger USING (variant_id, location_id, bucket)
      JOIN inventory_variant v ON v.id = variant_id JOIN inventory_location l ON l.id = location_id
     WHERE coalesce(level.count, 0) <> coalesce(ledger.total, 0)
     ORDER BY v.sku, l.name, bucket LIMIT %s
"""
RESERVED = """
    WITH promised AS (
        SELECT variant_id, location_id, sum(quantity) AS total FROM inventory_reservation WHERE quantity > 0 GROUP BY 1, 2
    )
    SELECT v.sku, l.name, 'reserved', coalesce(s.reserved, 0), coalesce(p.total, 0)
      FROM (SELECT * FROM inventory_stocklevel WHERE reserved <> 0) s FULL JOIN promised p USING (variant_id, location_id)
      JOIN inventory_variant v ON v.id = variant_id JOIN inventory_location l ON l.id = location_id
     WHERE coalesce(s.reserved, 0) <> coalesce(p.total, 0)
     ORDER BY v.sku, l.name LIMIT %s
"""
OVERSOLD = """
    SELECT v.sku, l.name, 'on_hand', s.on_hand, s.reserved + s.damaged + s.quality_control
      FROM inventory_stocklevel s JOIN inventory_variant v ON v.id = s.variant_id JOIN inventory_location l ON l.id = s.location_id
     WHERE s.on_hand < s.reserved + s.damaged + s.quality_control
        OR least(s.on_hand, s.reserved, s.damaged, s.quality_control, s.safety_stock, s.incoming) < 0
     ORDER BY v.sku, l.name LIMIT %s
"""
LOT_SUMS = """
    WITH ledger AS (
        SELECT lot_id, location_id, bucket, sum(quantity) AS total FROM inventory_stockmovement WHERE lot_id IS NOT NULL GROUP BY 1, 2, 3
    ), level AS (
        SELECT ll.lot_id, ll.location_id, b.bucket, b.count FROM inventory_lotlevel ll
        CROSS JOIN LATERAL (VALUES ('on_hand', ll.on_hand), ('damaged', ll.damaged), ('quality_control', ll.quality_control)) AS b (bucket, count)
         WHERE b.count <> 0
    )
    SELECT v.sku, l.name, bucket || ' of lot ' || lot.code, coalesce(level.count, 0), coalesce(ledger.total, 0)
      FROM level FULL JOIN ledger USING (lot_id, location_id, bucket)
      JOIN inventory_lot lot ON lot.id = lot_id
      JOIN inventory_variant v ON v.id = lot.variant_id JOIN inventory_location l ON l.id = location_id
     WHERE coalesce(level.count, 0) <> coalesce(ledger.total, 0)
     ORDER BY v.sku, l.name, lot.code, bucket LIMIT %s
"""
#: For a variant followed by lot every unit is of one; for others none is.
LOTS_OF_LEVEL = """
    WITH lots AS (
        SELECT lot.variant_id, ll.location_id, sum(ll.on_hand) AS on_hand, sum(ll.damaged) AS damaged,
               sum(ll.quality_control) AS quality_control
          FROM inventory_lotlevel ll JOIN inventory_lot lot ON lot.id = ll.lot_id GROUP BY 1, 2
    )
    SELECT v.sku, l.name, b.bucket || ' over lots', b.found, b.expected
      FROM inventory_variant v
      JOIN inventory_stocklevel s ON s.variant_id = v.id JOIN inventory_location l ON l.id = s.location_id
      LEFT JOIN lots ON lots.variant_id = s.variant_id AND lots.location_id = s.location_id
     CROSS JOIN LATERAL (VALUES
        ('on_hand', coalesce(lots.on_hand, 0), CASE v.tracking WHEN 'lot' THEN s.on_hand ELSE 0 END),
        ('damaged', coalesce(lots.damaged, 0), CASE v.tracking WHEN 'lot' THEN s.damaged ELSE 0 END),
        ('quality_control', coalesce(lots.quality_control, 0), CASE v.tracking WHEN 'lot' THEN s.quality_control ELSE 0 END)
     ) AS b (bucket, found, expected)
     WHERE (v.tracking = 'lot' OR lots.variant_id IS NOT NULL) AND b.found <> b.expected
     ORDER BY v.sku, l.name, b.bucket LIMIT %s
"""
SERIALS_OF_LEVEL = """
    SELECT v.sku, l.name, 'serial numbers in stock', n.count, coalesce(s.on_hand, 0)
      FROM (SELECT variant_id, location_id, count(*) AS count FROM inventory_serialnumber WHERE state = 'in_stock' GROUP BY 1, 2) n
      JOIN inventory_variant v ON v.id = n.variant_id JOIN inventory_location l ON l.id = n.location_id
      LEFT JOIN inventory_stocklevel s ON s.variant_id = n.variant_id AND s.location_id = n.location_id
     WHERE v.tracking = 'serial' AND n.count > coalesce(s.on_hand, 0)
     ORDER BY v.sku, l.name LIMIT %s
"""
#: A bundle is made of others: it lies nowhere, nothing of it is promised, and none of its components is a bundle.
STOCKED_BUNDLES = """
    SELECT v.sku, l.name, 'units of a bundle', s.on_hand + s.reserved + s.incoming, 0
      FROM inventory_stocklevel s JOIN inventory_variant v ON v.id = s.variant_id AND v.is_bundle
      JOIN inventory_location l ON l.id = s.location_id
     UNION ALL
    SELECT v.sku, l.name, 'promises of a bundle', r.quantity, 0
      FROM inventory_reservation r JOIN inventory_variant v ON v.id = r.variant_id AND v.is_bundle
      JOIN inventory_location l ON l.id = r.location_id WHERE r.quantity > 0
     ORDER BY 1, 2 LIMIT %s
"""
BUNDLES_IN_BUNDLES = """
    SELECT v.sku, '', 'components', count(c.id) FILTER (WHERE v.is_bundle AND NOT m.is_bundle), greatest(count(c.id), 1)
      FROM inventory_variant v LEFT JOIN inventory_bundlecomponent c ON c.bundle_id = v.id
      LEFT JOIN inventory_variant m ON m.id = c.component_id
     WHERE v.is_bundle OR c.id IS NOT NULL GROUP BY v.id
    HAVING count(c.id) = 0 OR bool_or(NOT v.is_bundle OR m.is_bundle)
     ORDER BY 1 LIMIT %s
"""
CHECKS = {
    "level_is_sum_of_ledger": BUCKET_SUMS,
    "reserved_is_sum_of_reservations": RESERVED,
    "nothing_is_oversold": OVERSOLD,
    "lot_level_is_sum_of_ledger": LOT_SUMS,
    "lots_sum_to_level": LOTS_OF_LEVEL,
    "serials_are_at_most_on_hand": SERIALS_OF_LEVEL,
    "a_bundle_has_no_stock": STOCKED_BUNDLES,
    "a_bundle_is_made_of_plain_variants": BUNDLES_IN_BUNDLES,
}


@dataclass(frozen=True, slots=True)
class Breach:
    """One level that breaks an invariant: what it says and what it should say."""

    check: str
    sku: str
    location: str
    bucket: str
    found: int
    expected: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def audit_stock(*, limit: int = 1000) -> list[Breach]:
    """Every level that breaks invariants 1 to 3, the first `limit` of each; reads only."""
    breaches = []
    with connection.cursor() as cursor:
        for check, statement in CHECKS.items():
            cursor.execute(statement, [limit])
            breaches += [
                Breach(check, sku, location, bucket, int(a), int(b))
                for sku, location, bucket, a, b in cursor.fetchall()
            ]
    return breaches
