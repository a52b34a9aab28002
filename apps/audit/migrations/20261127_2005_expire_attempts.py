"""Let the database delete attempts of more than a day ago, and no other audit event.

Anonymous clients cause any number of them. How long they are kept is a setting; a day is the least that it allows.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_all_but_old_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.outcome = 'failure' AND NOT OLD.action = 'session.reuse_detected' OR OLD.action = 'password.reset_asked')
        AND OLD.occurred_at < now() - interval '1 day'
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END;
$$;
DROP TRIGGER audit_events_append_only ON audit_events;
CREATE TRIGGER audit_events_append_only BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER audit_events_only_old_attempts BEFORE DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_old_attempts();
"""
BACKWARD = """
DROP TRIGGER audit_events_only_old_attempts ON audit_events;
DROP TRIGGER audit_events_append_only ON audit_events;
CREATE TRIGGER audit_events_append_only BEFORE DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
DROP FUNCTION refuse_all_but_old_attempts();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "20261127_1310_erase_all_but_plain_values")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
