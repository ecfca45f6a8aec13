"""The ledger is append-only: PostgreSQL itself refuses to change or delete a movement."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial"), ("core", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER movement_append_only BEFORE UPDATE OR DELETE ON inventory_stockmovement "
            "FOR EACH ROW EXECUTE FUNCTION oms_refuse_change();",
            "DROP TRIGGER movement_append_only ON inventory_stockmovement;",
        )
    ]
