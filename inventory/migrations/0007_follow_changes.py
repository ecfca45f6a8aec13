"""Each statement that writes movements leaves a mark for the levels it touched."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0006_lots_bundles_policies")]

    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION inventory_mark_changed_levels() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO inventory_changedlevel (variant_id, location_id)
                SELECT DISTINCT variant_id, location_id FROM written;
                RETURN NULL;
            END $$;
            CREATE TRIGGER movement_marks_level AFTER INSERT ON inventory_stockmovement
                REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION inventory_mark_changed_levels();
            """,
            "DROP TRIGGER movement_marks_level ON inventory_stockmovement; DROP FUNCTION inventory_mark_changed_levels();",
        )
    ]
