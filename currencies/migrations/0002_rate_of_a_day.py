"""The one place that says what a currency was worth on a day: pages ask it for one day, placing asks it for a batch."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("currencies", "0001_exchange_rates")]

    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION oms_exchange_rate(wanted_base text, wanted_quote text, on_day date)
            RETURNS TABLE (rate numeric, source varchar, quoted_on date) LANGUAGE sql STABLE AS $$
                SELECT q.rate, q.source, q.day FROM (
                    SELECT r.rate, r.source, r.day, 0 AS choice
                      FROM currencies_exchangerate r
                     WHERE r.base = wanted_base AND r.quote = wanted_quote AND r.day BETWEEN on_day - 7 AND on_day
                    UNION ALL
                    SELECT round(1 / r.rate, 10), r.source, r.day, 1
                      FROM currencies_exchangerate r
                     WHERE r.base = wanted_quote AND r.quote = wanted_base AND r.day BETWEEN on_day - 7 AND on_day
                    UNION ALL
                    SELECT round(b.rate / a.rate, 10), CASE WHEN a.source = b.source THEN a.source ELSE 'manual' END, a.day, 2
                      FROM currencies_exchangerate a
                      JOIN currencies_exchangerate b ON b.base = 'EUR' AND b.quote = wanted_quote AND b.day = a.day
                     WHERE a.base = 'EUR' AND a.quote = wanted_base AND a.day BETWEEN on_day - 7 AND on_day
                ) q
                WHERE q.rate > 0
                ORDER BY q.day DESC, q.choice
                LIMIT 1
            $$;
            """,
            "DROP FUNCTION oms_exchange_rate(text, text, date);",
        )
    ]
