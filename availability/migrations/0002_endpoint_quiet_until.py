from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("availability", "0001_rules_and_numbers"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="quiet_until",
            field=models.DateTimeField(null=True),
        ),
    ]
