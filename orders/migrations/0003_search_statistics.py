"""The planner must know how common a name is: it then reads the newest orders for a common one and the index for a rare one."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_list_indexes")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE orders_order ALTER COLUMN search SET STATISTICS 1000",
            "ALTER TABLE orders_order ALTER COLUMN search SET STATISTICS -1",
        )
    ]
