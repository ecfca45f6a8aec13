"""Orders whose currency had no rate when they were placed, and indexes of what is owed in either direction."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_at_risk"), ("core", "0004_mail_attachment"), ("currencies", "0002_rate_of_a_day")]

    operations = [
        migrations.CreateModel(
            name="MissingRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("placed_on", models.DateField()),
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="missing_rate", to="orders.order"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="missingrate", index=models.Index(fields=["-placed_on", "-id"], name="missing_rate_recent")
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=Q(total__gt=F("cancelled_total") + F("captured_total") - F("overpayment_refunded")),
                fields=["-placed_at", "-id"],
                name="order_owing",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=Q(captured_total__gt=F("total") - F("cancelled_total") + F("refunded_total")),
                fields=["-placed_at", "-id"],
                name="order_overpaid",
            ),
        ),
        # Orders of before have no rate yet: they wait for one as those do that come without.
        migrations.RunSQL(
            """
            INSERT INTO orders_missingrate (order_id, currency, placed_on)
            SELECT o.id, o.currency, (o.placed_at AT TIME ZONE s.time_zone)::date
              FROM orders_order o
              JOIN core_shop s ON s.id = 1 AND s.currency <> o.currency
             WHERE NOT EXISTS (SELECT 1 FROM orders_orderrate r WHERE r.order_id = o.id)
             ORDER BY o.id
            """,
            migrations.RunSQL.noop,
        ),
    ]
