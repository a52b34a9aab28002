"""Make the database itself refuse to rewrite the audit trail."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
"""
BACKWARD = """
DROP TRIGGER audit_events_append_only ON audit_events;
DROP FUNCTION refuse_rewriting();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "20261122_1612_create_audit")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
