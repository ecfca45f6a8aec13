"""A bundle is never stocked: PostgreSQL refuses a stock level of one, also while a variant becomes a bundle at this moment."""

from django.db import migrations

UP = """
CREATE FUNCTION inventory_refuse_stock_of_bundle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bundle boolean;
BEGIN
    SELECT is_bundle INTO bundle FROM inventory_variant WHERE id = NEW.variant_id FOR KEY SHARE;
    IF bundle THEN
        RAISE EXCEPTION 'bundle_holds_no_stock: variant % is a bundle', NEW.variant_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bundle_holds_no_stock BEFORE INSERT ON inventory_stocklevel
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse_stock_of_bundle();
"""
DOWN = """
DROP TRIGGER bundle_holds_no_stock ON inventory_stocklevel;
DROP FUNCTION inventory_refuse_stock_of_bundle();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0009_serials_in_stock")]

    operations = [migrations.RunSQL(UP, DOWN)]
