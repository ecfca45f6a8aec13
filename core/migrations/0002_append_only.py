"""History is append-only: PostgreSQL itself refuses to change or delete it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION oms_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END $$;
            CREATE TRIGGER timeline_append_only BEFORE UPDATE OR DELETE ON core_timelineentry
                FOR EACH ROW EXECUTE FUNCTION oms_refuse_change();
            """,
            "DROP TRIGGER timeline_append_only ON core_timelineentry; DROP FUNCTION oms_refuse_change();",
        )
    ]
