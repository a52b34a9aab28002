"""Erase every value of a deleted account's audit events but those that the application declares plain.

Until now the database listed the personal values of each kind of target, so a new kind kept all of its values. The
function with one argument stays as it was, for workers of the previous release, until none runs: what it keeps too much
can be erased later, what an empty list of plain values would blank too much could not be brought back.
"""

from django.db import migrations

OF_ACCOUNT = """
        (OLD.subject_id IS NOT DISTINCT FROM account OR OLD.actor_id IS NOT DISTINCT FROM account
            OR (OLD.target_kind = 'user' AND OLD.target_id IS NOT DISTINCT FROM account))
        AND EXISTS (SELECT FROM users WHERE id = account AND deleted_at IS NOT NULL)
        AND to_jsonb(NEW) - personal = to_jsonb(OLD) - personal
        AND (NEW.ip_address IS NULL OR NEW.ip_address = OLD.ip_address)
        AND NEW.user_agent IN ('', OLD.user_agent)"""
BY_KIND = """
        AND NEW.before IN (OLD.before, without_personal_values(OLD.before, OLD.target_kind))
        AND NEW.after IN (OLD.after, without_personal_values(OLD.after, OLD.target_kind))"""
BLANKED = """
        AND is_same_or_erased(OLD.before, NEW.before)
        AND is_same_or_erased(OLD.after, NEW.after)
        AND (OLD.actor_id IS DISTINCT FROM account OR OLD.subject_id IS NULL OR OLD.subject_id = account
            OR (NEW.before = OLD.before AND NEW.after = OLD.after))"""
# A session that sets the variable by hand can do no more than blank values, of events of an account that is deleted.
# Which values are plain only the application knows.
TRIGGER = """
CREATE OR REPLACE FUNCTION refuse_more_than_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account bigint := nullif(current_setting('keyhouse.erased_account', true), '')::bigint;
    personal text[] := ARRAY['before', 'after', 'ip_address', 'user_agent'];
BEGIN
    IF coalesce({conditions},
        false
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END;
$$;
"""
FUNCTIONS = """
-- Blanks every value but empty ones and those whose keys are in the array `plain`; NULL is an empty array.
CREATE FUNCTION without_values(fields jsonb, plain jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN value IN ('""', 'null') OR coalesce(plain ? key, false) THEN value
        ELSE '"erased"'
    END), '{}') FROM jsonb_each(fields)
$$;

-- Whether each value is what it was, or is blanked, and no key was added or removed.
CREATE FUNCTION is_same_or_erased(fields jsonb, changed jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(changed) WHEN 'object' THEN NOT EXISTS (
        SELECT FROM jsonb_each(fields) AS old FULL JOIN jsonb_each(changed) AS new USING (key)
        WHERE new.value IS DISTINCT FROM old.value
            AND (new.value IS DISTINCT FROM '"erased"' OR old.value IS NULL OR old.value IN ('""', 'null'))
    ) ELSE false END
$$;

-- Blanks the values of events that concern the account, and the address and agent of those that its owner, or an
-- anonymous client, caused. `plain` lists for each kind of target the keys whose values stay, as an object of arrays: a
-- kind that is not in it has none. The values of what the owner did to other accounts stay, as do the addresses of
-- others, the actors, actions, targets and times.
CREATE FUNCTION erase_audit_events(account bigint, plain jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('keyhouse.erased_account', account::text, true);
    UPDATE audit_events SET
        before = CASE WHEN actor_id = account AND subject_id <> account THEN before
            ELSE without_values(before, plain -> target_kind) END,
        after = CASE WHEN actor_id = account AND subject_id <> account THEN after
            ELSE without_values(after, plain -> target_kind) END,
        ip_address = CASE WHEN actor_id <> account OR actor_kind = 'operator' THEN ip_address END,
        user_agent = CASE WHEN actor_id <> account OR actor_kind = 'operator' THEN user_agent ELSE '' END
    WHERE subject_id = account OR actor_id = account OR (target_kind = 'user' AND target_id = account);
    PERFORM set_config('keyhouse.erased_account', '', true);
END;
$$;
"""
NO_FUNCTIONS = """
DROP FUNCTION erase_audit_events(bigint, jsonb);
DROP FUNCTION is_same_or_erased(jsonb, jsonb);
DROP FUNCTION without_values(jsonb, jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "20261125_2240_erase_more_words")]

    operations = [
        migrations.RunSQL(FUNCTIONS, reverse_sql=NO_FUNCTIONS),
        migrations.RunSQL(
            TRIGGER.format(conditions=OF_ACCOUNT + BLANKED), reverse_sql=TRIGGER.format(conditions=OF_ACCOUNT + BY_KIND)
        ),
    ]
