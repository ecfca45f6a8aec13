"""What must hold of drafts, asked of all of them in SQL: each row is (subject, detail)."""

from __future__ import annotations

#: What drafts need of stock, in the columns of the check of reservations: owner, location, units, variant.
NEEDS = """
            SELECT 'draft_hold:' || h.id, h.location_id, h.quantity, h.variant_id
              FROM drafts_heldstock h JOIN drafts_draftline dl ON dl.id = h.line_id JOIN drafts_draftorder d ON d.id = dl.draft_id
             WHERE d.state IN ('open', 'sent')"""

CHECKS: dict[str, str] = {
    "held_stock_has_a_date": """
        SELECT DISTINCT 'draft:' || d.id, 'it holds stock without a date'
          FROM drafts_heldstock h JOIN drafts_draftline dl ON dl.id = h.line_id JOIN drafts_draftorder d ON d.id = dl.draft_id
         WHERE d.hold_until IS NULL""",
    "a_draft_is_worth_what_its_order_is": """
        SELECT 'draft:' || d.id, format('its total is %s %s, its order began with %s %s', d.total, d.currency, t.data ->> 'total', t.data ->> 'currency')
          FROM drafts_draftorder d
          JOIN core_timelineentry t ON t.subject = 'order:' || d.order_id AND t.kind = 'order.placed'
         WHERE (t.data ->> 'total')::numeric <> d.total OR t.data ->> 'currency' <> d.currency""",
}  # fmt: skip
