from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_credit_and_manual_methods")]

    operations = [
        migrations.RemoveConstraint(model_name="gatewaycall", name="gateway_call_amount"),
        migrations.AddConstraint(
            model_name="gatewaycall",
            constraint=models.CheckConstraint(
                condition=Q(amount__isnull=False, amount__gt=0)
                | Q(amount__isnull=True, kind__in=["create", "confirm", "cancel"]),
                name="gateway_call_amount",
            ),
        ),
    ]
