"""Let the audit trail lose whose a deleted account was, and nothing else."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION without_personal_values(fields jsonb, kind text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN value IN ('""', 'null') THEN value
        WHEN key IN ('email', 'username', 'full_name') THEN '"erased"'
        WHEN kind = 'api_key' AND key IN ('name', 'description', 'metadata', 'ip_allowlist') THEN '"erased"'
        ELSE value
    END), '{}') FROM jsonb_each(fields)
$$;

-- Takes the personal values out of what concerns an account, and from where its owner, or somebody unknown, did it. From
-- where others did it stays, as do the actors, the actions, the targets and the times.
CREATE FUNCTION erase_audit_events(account bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('keyhouse.erased_account', account::text, true);
    UPDATE audit_events SET
        before = CASE WHEN actor_id = account AND subject_id <> account THEN before
            ELSE without_personal_values(before, target_kind) END,
        after = CASE WHEN actor_id = account AND subject_id <> account THEN after
            ELSE without_personal_values(after, target_kind) END,
        ip_address = CASE WHEN actor_id <> account OR actor_kind = 'operator' THEN ip_address END,
        user_agent = CASE WHEN actor_id <> account OR actor_kind = 'operator' THEN user_agent ELSE '' END
    WHERE subject_id = account OR actor_id = account OR (target_kind = 'user' AND target_id = account);
    PERFORM set_config('keyhouse.erased_account', '', true);
END;
$$;

CREATE FUNCTION refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('keyhouse.erased_account', true), '') = '' THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;

-- Whoever sets the variable by hand can do no more than the function does: blank the same values, of an account that is
-- deleted.
CREATE FUNCTION refuse_more_than_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account bigint := nullif(current_setting('keyhouse.erased_account', true), '')::bigint;
    personal text[] := ARRAY['before', 'after', 'ip_address', 'user_agent'];
BEGIN
    IF coalesce(
        (OLD.subject_id IS NOT DISTINCT FROM account OR OLD.actor_id IS NOT DISTINCT FROM account
            OR (OLD.target_kind = 'user' AND OLD.target_id IS NOT DISTINCT FROM account))
        AND EXISTS (SELECT FROM users WHERE id = account AND deleted_at IS NOT NULL)
        AND to_jsonb(NEW) - personal = to_jsonb(OLD) - personal
        AND (NEW.ip_address IS NULL OR NEW.ip_address = OLD.ip_address)
        AND NEW.user_agent IN ('', OLD.user_agent)
        AND NEW.before IN (OLD.before, without_personal_values(OLD.before, OLD.target_kind))
        AND NEW.after IN (OLD.after, without_personal_values(OLD.after, OLD.target_kind)),
        false
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END;
$$;

DROP TRIGGER audit_events_append_only ON audit_events;
CREATE TRIGGER audit_events_append_only BEFORE DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER audit_events_only_erasure BEFORE UPDATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_all_but_erasure();
CREATE TRIGGER audit_events_only_personal_values BEFORE UPDATE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_more_than_erasure();
"""
BACKWARD = """
DROP TRIGGER audit_events_only_personal_values ON audit_events;
DROP TRIGGER audit_events_only_erasure ON audit_events;
DROP TRIGGER audit_events_append_only ON audit_events;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
DROP FUNCTION refuse_more_than_erasure();
DROP FUNCTION refuse_all_but_erasure();
DROP FUNCTION erase_audit_events(bigint);
DROP FUNCTION without_personal_values(jsonb, text);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "20261125_1815_index_subjects")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
