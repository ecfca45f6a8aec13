"""What must hold of parcels that several orders share; each row found is (subject, what is wrong)."""

from __future__ import annotations

CHECKS: dict[str, str] = {
    "a_shared_parcel_has_a_lead_and_one_place": """
        SELECT 'fulfillment:' || f.id, format('in shared parcel %s: %s', c.id,
               CASE WHEN c.undone_at IS NOT NULL THEN 'it was undone' WHEN f.location_id <> c.location_id THEN 'another location'
                    ELSE 'its lead is of another parcel' END)
          FROM fulfillment_fulfillmentorder f JOIN fulfillment_consolidation c ON c.id = f.consolidation_id
          JOIN fulfillment_fulfillmentorder l ON l.id = c.lead_id
         WHERE f.state NOT IN ('cancelled', 'incomplete')
           AND (c.undone_at IS NOT NULL OR f.location_id <> c.location_id
                OR (l.consolidation_id IS DISTINCT FROM c.id AND f.state IN ('packed', 'shipped', 'delivered')))""",
    "a_shared_parcel_has_one_label": """
        SELECT 'fulfillment:' || f.id, format('has a label of its own in the parcel of work order %s', c.lead_id)
          FROM fulfillment_fulfillmentorder f JOIN fulfillment_consolidation c ON c.id = f.consolidation_id
          JOIN fulfillment_shipment s ON s.fulfillment_order_id = f.id AND s.direction = 'outbound'
         WHERE f.id <> c.lead_id AND s.rides_with_id IS NULL AND s.state NOT IN ('void_requested', 'voided')
           AND f.state NOT IN ('cancelled', 'incomplete')""",
    "a_packed_shared_parcel_goes_to_one_address": """
        SELECT 'fulfillment:' || f.id, format('goes elsewhere than shared parcel %s', c.id)
          FROM fulfillment_fulfillmentorder f JOIN fulfillment_consolidation c ON c.id = f.consolidation_id
          JOIN orders_order o ON o.id = f.order_id
         WHERE f.state = 'packed' AND fulfillment_ship_to_key(o.shipping_address) <> c.address_key""",
    "a_shared_parcel_is_packed_and_leaves_whole": """
        SELECT 'fulfillment:' || min(f.id), format('members of shared parcel %s are %s', f.consolidation_id, string_agg(DISTINCT f.state, ', '))
          FROM fulfillment_fulfillmentorder f
         WHERE f.consolidation_id IS NOT NULL AND f.state NOT IN ('cancelled', 'incomplete')
         GROUP BY f.consolidation_id
        HAVING count(DISTINCT CASE WHEN f.state IN ('packed', 'shipped', 'delivered') THEN f.state ELSE 'open' END) > 1""",
    "who_rides_shares_the_facts_of_the_lead": """
        SELECT 'shipment:' || r.id, format('%s handed over %s delivered %s, its lead %s %s %s', r.state, r.handed_over_at, r.delivered_at,
               s.state, s.handed_over_at, s.delivered_at)
          FROM fulfillment_shipment r JOIN fulfillment_shipment s ON s.id = r.rides_with_id
         WHERE r.state <> s.state OR r.handed_over_at IS DISTINCT FROM s.handed_over_at OR r.delivered_at IS DISTINCT FROM s.delivered_at
            OR r.cost IS NOT NULL OR s.rides_with_id IS NOT NULL OR r.order_id = s.order_id
            OR (SELECT array_agg(p.tracking_number ORDER BY p.tracking_number) FROM fulfillment_package p WHERE p.shipment_id = r.id AND p.rides)
               IS DISTINCT FROM (SELECT array_agg(p.tracking_number ORDER BY p.tracking_number) FROM fulfillment_package p WHERE p.shipment_id = s.id)
            OR (SELECT count(*) FROM fulfillment_trackingevent t WHERE t.shipment_id = r.id)
               <> (SELECT count(*) FROM fulfillment_trackingevent t WHERE t.shipment_id = s.id)""",
    "scheduled_work_waits_for_a_day": """
        SELECT 'fulfillment:' || id, 'has units picked before its day' FROM fulfillment_fulfillmentorder f
         WHERE f.state = 'scheduled' AND EXISTS (SELECT FROM fulfillment_fulfillmentline l WHERE l.fulfillment_order_id = f.id AND l.picked > 0)""",
}  # fmt: skip
