from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("returns", "0001_initial")]

    operations = [
        migrations.AddField("return", "units", models.PositiveIntegerField(default=1), preserve_default=False),
        migrations.AddField("return", "received", models.PositiveIntegerField(default=0)),
        migrations.AddField("return", "inspected", models.PositiveIntegerField(default=0)),
        migrations.AlterField(
            "return",
            "resolution",
            models.CharField(
                blank=True, choices=[("refund", "Refunded"), ("reject", "Closed without a refund")], max_length=12
            ),
        ),
        migrations.AddConstraint(
            "return",
            models.CheckConstraint(
                condition=Q(units__gt=0, units__gte=F("received"), received__gte=F("inspected")), name="return_funnel"
            ),
        ),
        migrations.AddConstraint(
            "return",
            models.CheckConstraint(
                condition=~Q(state="resolved") | Q(resolution__in=["refund", "reject"]), name="return_resolved_how"
            ),
        ),
    ]
