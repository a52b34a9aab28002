"""Erase the reasons of a deleted account's audit events too: they are people's own words about a customer."""

from django.db import migrations

TRIGGER = """
CREATE OR REPLACE FUNCTION refuse_more_than_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account bigint := nullif(current_setting('keyhouse.erased_account', true), '')::bigint;
    personal text[] := ARRAY['before', 'after', 'ip_address', 'user_agent'{column}];
BEGIN
    IF coalesce(
        (OLD.subject_id IS NOT DISTINCT FROM account OR OLD.actor_id IS NOT DISTINCT FROM account
            OR (OLD.target_kind = 'user' AND OLD.target_id IS NOT DISTINCT FROM account))
        AND EXISTS (SELECT FROM users WHERE id = account AND deleted_at IS NOT NULL)
        AND to_jsonb(NEW) - personal = to_jsonb(OLD) - personal
        AND (NEW.ip_address IS NULL OR NEW.ip_address = OLD.ip_address)
        AND NEW.user_agent IN ('', OLD.user_agent)
        AND is_same_or_erased(OLD.before, NEW.before)
        AND is_same_or_erased(OLD.after, NEW.after){blanked}
        AND (OLD.actor_id IS DISTINCT FROM account OR OLD.subject_id IS NULL OR OLD.subject_id = account
            OR (NEW.before = OLD.before AND NEW.after = OLD.after{same})),
        false
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END;
$$;
"""
ERASURE = """
CREATE OR REPLACE FUNCTION erase_audit_events(account bigint, plain jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('keyhouse.erased_account', account::text, true);
    UPDATE audit_events SET
        before = CASE WHEN actor_id = account AND subject_id <> account THEN before
            ELSE without_values(before, plain -> target_kind) END,
        after = CASE WHEN actor_id = account AND subject_id <> account THEN after
            ELSE without_values(after, plain -> target_kind) END,{reason}
        ip_address = CASE WHEN actor_id <> account OR actor_kind = 'operator' THEN ip_address END,
        user_agent = CASE WHEN actor_id <> account OR actor_kind = 'operator' THEN user_agent ELSE '' END
    WHERE subject_id = account OR actor_id = account OR (target_kind = 'user' AND target_id = account);
    PERFORM set_config('keyhouse.erased_account', '', true);
END;
$$;
"""
COLUMN, SAME = ", 'reason'", " AND NEW.reason = OLD.reason"
BLANKED = """
        AND (NEW.reason = OLD.reason OR (NEW.reason = 'erased' AND OLD.reason <> ''))"""
REASON = """
        reason = CASE WHEN reason = '' OR (actor_id = account AND subject_id <> account) THEN reason
            ELSE 'erased' END,"""


class Migration(migrations.Migration):
    dependencies = [("audit", "20261128_0102_add_reason")]

    operations = [
        migrations.RunSQL(
            TRIGGER.format(column=COLUMN, blanked=BLANKED, same=SAME),
            reverse_sql=TRIGGER.format(column="", blanked="", same=""),
        ),
        migrations.RunSQL(ERASURE.format(reason=REASON), reverse_sql=ERASURE.format(reason="")),
    ]
