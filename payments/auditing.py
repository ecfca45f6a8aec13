"""What must hold of payments through gateways, asked of the data as a whole; each row is (subject, detail)."""

from __future__ import annotations

#: Name of a check → its statement.
CHECKS: dict[str, str] = {
    "a_payment_is_the_sum_of_its_calls": """
        SELECT 'payment:' || i.id, format('captured %s, calls %s; refunded %s, calls %s', i.captured, c.captured, i.refunded, c.refunded)
          FROM payments_paymentintent i
          JOIN LATERAL (SELECT coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS captured,
                               coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded
                          FROM payments_gatewaycall WHERE intent_id = i.id AND state = 'succeeded') c ON true
         WHERE i.captured <> c.captured OR i.refunded <> c.refunded""",
    "what_gateways_took_and_gave_is_in_the_orders_books": """
        SELECT 'order:' || o.id, format('gateways captured %s of %s, refunded %s of %s', i.captured, o.captured_total, i.refunded, o.refunded_total)
          FROM (SELECT order_id, sum(captured) AS captured, sum(refunded) AS refunded FROM payments_paymentintent GROUP BY 1) i
          JOIN orders_order o ON o.id = i.order_id
         WHERE i.captured > o.captured_total OR i.refunded > o.refunded_total""",
    "money_is_on_its_way_within_bounds": """
        SELECT 'payment:' || i.id, format('held %s, being captured %s; captured %s, refunded %s, going back %s',
               i.authorized - i.captured - i.released, c.captures, i.captured, i.refunded, c.refunds)
          FROM payments_paymentintent i
          JOIN LATERAL (SELECT coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS captures,
                               coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunds
                          FROM payments_gatewaycall WHERE intent_id = i.id AND state IN ('pending', 'unknown')) c ON true
         WHERE c.captures > i.authorized - i.captured - i.released OR c.refunds > i.captured - i.refunded""",
    "what_is_not_known_is_asked_for": """
        SELECT 'payment:' || i.id, 'the outcome of a call is open and nobody will ask for it'
          FROM payments_paymentintent i
         WHERE i.look_at IS NULL AND EXISTS (
               SELECT FROM payments_gatewaycall WHERE intent_id = i.id AND state IN ('pending', 'unknown'))""",
}
