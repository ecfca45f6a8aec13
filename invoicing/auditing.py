"""What must hold of documents, in SQL: each row is (subject, detail)."""

CHECKS: dict[str, str] = {
    "numbers_have_no_gap": """
        SELECT 'series:' || c.series_id, format('%s: %s documents from %s to %s, the next number is %s', c.period, count(d.id), min(d.sequence),
               max(d.sequence), c.next)
          FROM invoicing_seriescounter c LEFT JOIN invoicing_document d ON d.series_id = c.series_id AND d.period = c.period
         GROUP BY c.id HAVING count(d.id) <> c.next - c.first OR min(d.sequence) <> c.first OR max(d.sequence) <> c.next - 1
        UNION ALL
        SELECT 'document:' || d.id, d.number || ' was numbered by no counter' FROM invoicing_document d
         WHERE NOT EXISTS (SELECT FROM invoicing_seriescounter c WHERE c.series_id = d.series_id AND c.period = d.period)""",
    "days_of_documents_follow_their_numbers": """
        SELECT 'document:' || id, format('%s is of %s, the one before of %s', number, issued_on, before) FROM (
            SELECT id, number, issued_on, lag(issued_on) OVER (PARTITION BY series_id, period ORDER BY sequence) AS before FROM invoicing_document) d
         WHERE issued_on < before""",
    "documents_add_up": """
        SELECT 'document:' || d.id, format('%s: net %s tax %s total %s; rows %s %s %s; rates %s %s %s', d.number, d.net_total, d.tax_total, d.total,
               r.net, r.tax, r.gross, t.net, t.tax, t.gross)
          FROM invoicing_document d
          CROSS JOIN LATERAL (SELECT sum((row->>'net')::numeric) AS net, sum((row->>'tax')::numeric) AS tax, sum((row->>'gross')::numeric) AS gross
                                FROM jsonb_array_elements(d.lines) AS row) r
          LEFT JOIN (SELECT document_id, sum(net) AS net, sum(tax) AS tax, sum(gross) AS gross FROM invoicing_documenttax GROUP BY 1) t ON t.document_id = d.id
         WHERE (d.net_total, d.tax_total, d.total) IS DISTINCT FROM (r.net, r.tax, r.gross)
            OR (d.net_total, d.tax_total, d.total) IS DISTINCT FROM (t.net, t.tax, t.gross)""",
    "credit_stays_within_the_invoice": """
        SELECT 'document:' || i.id, format('%s of %s is credited with %s', i.number, i.total, sum(n.total))
          FROM invoicing_document i JOIN invoicing_document n ON n.corrects_id = i.id
         GROUP BY i.id HAVING sum(n.total) > i.total OR i.kind <> 'invoice' OR bool_or(n.order_id IS DISTINCT FROM i.order_id OR n.currency <> i.currency)""",
    "billed_is_never_below_zero": """
        SELECT 'order:' || order_id, format('%s is billed', sum(CASE kind WHEN 'invoice' THEN total ELSE -total END))
          FROM invoicing_document WHERE kind IN ('invoice', 'credit_note')
         GROUP BY order_id HAVING sum(CASE kind WHEN 'invoice' THEN total ELSE -total END) < 0""",
}
