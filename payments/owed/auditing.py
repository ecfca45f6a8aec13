"""What must hold of store credit, asked of the data as a whole: each row is (subject, detail) of what does not."""

from __future__ import annotations

CHECKS: dict[str, str] = {
    "credit_is_the_sum_of_its_ledger": """
        SELECT 'credit:' || a.id, 'balance ' || a.balance || ', entries ' || coalesce(e.total, 0) || ', left ' || coalesce(g.left_over, 0)
          FROM payments_creditaccount a
          LEFT JOIN (SELECT account_id, sum(amount) AS total FROM payments_creditentry GROUP BY 1) e ON e.account_id = a.id
          LEFT JOIN (SELECT account_id, sum("left") AS left_over FROM payments_creditgrant GROUP BY 1) g ON g.account_id = a.id
         WHERE a.balance <> coalesce(e.total, 0) OR a.balance <> coalesce(g.left_over, 0)""",
    "credit_and_orders_agree": """
        SELECT 'order:' || coalesce(p.order_id, e.order_id), 'paid ' || coalesce(p.total, 0) || ', spent ' || coalesce(e.total, 0)
          FROM (SELECT order_id, sum(amount) AS total FROM orders_paymentrecord WHERE starts_with(key, 'credit:') GROUP BY 1) p
          FULL JOIN (SELECT order_id, -sum(amount) AS total FROM payments_creditentry WHERE kind = 'spend' GROUP BY 1) e
                 ON e.order_id = p.order_id
         WHERE coalesce(p.total, 0) <> coalesce(e.total, 0)""",
}
