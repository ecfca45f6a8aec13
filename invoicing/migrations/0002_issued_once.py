"""What is issued never changes: PostgreSQL refuses it. One thing is filled in once, the reference to the PDF that was drawn."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION invoicing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.file_id IS NULL AND NEW.file_id IS NOT NULL
       -- A generated column is worked out after this trigger.
       AND to_jsonb(NEW) - 'file_id' - 'search' = to_jsonb(OLD) - 'file_id' - 'search' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'document % is issued and never changes', OLD.number USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER document_never_changes BEFORE UPDATE OR DELETE ON invoicing_document
    FOR EACH ROW EXECUTE FUNCTION invoicing_refuse_change();
CREATE TRIGGER document_tax_never_changes BEFORE UPDATE OR DELETE ON invoicing_documenttax
    FOR EACH ROW EXECUTE FUNCTION oms_refuse_change();

-- The kept PDF of a document is as final as the document.
CREATE FUNCTION invoicing_refuse_other_paper() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.data IS DISTINCT FROM OLD.data AND EXISTS (SELECT FROM invoicing_document WHERE file_id = OLD.id) THEN
        RAISE EXCEPTION 'file % is the paper of an issued document', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER document_paper_never_changes BEFORE UPDATE OF data ON core_storedfile
    FOR EACH ROW EXECUTE FUNCTION invoicing_refuse_other_paper();
"""
BACKWARD = """
DROP TRIGGER document_paper_never_changes ON core_storedfile;
DROP TRIGGER document_tax_never_changes ON invoicing_documenttax;
DROP TRIGGER document_never_changes ON invoicing_document;
DROP FUNCTION invoicing_refuse_other_paper();
DROP FUNCTION invoicing_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0001_initial"), ("core", "0002_append_only")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
