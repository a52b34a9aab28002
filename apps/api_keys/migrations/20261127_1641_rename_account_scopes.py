"""Rename the scopes of Keyhouse on stored keys: `keyhouse:account` and `keyhouse:staff` are divided into finer ones.

A customer's own scope of a name that Keyhouse now checks would become a right by that. Where the owner holds it, it is
removed from the key. Each change is in the audit trail, with the scopes before and after.
"""

from typing import Any

from django.db import migrations

ACCOUNT = ["account:read", "account:write"]
STAFF = [
    "customers:read", "customers:write", "customers:suspend", "keys:read", "keys:write", "credits:read", "credits:grant",
    "credits:adjust", "plans:read", "plans:write", "security:read", "security:write", "audit:read", "staff:read",
    "staff:manage", "system:read", "system:write",
]  # fmt: skip
# Rows are locked in order of id. `removed` and `added` are decided for each key.
CHANGE = """
WITH stored AS (
    SELECT key.id, key.user_id, key.scopes, owner.is_staff
    FROM api_keys AS key JOIN users AS owner ON owner.id = key.user_id
    WHERE {condition}
    ORDER BY key.id
    FOR NO KEY UPDATE OF key
), changed AS (
    SELECT stored.id, stored.user_id, stored.scopes AS before, ARRAY(
        SELECT scope FROM unnest(stored.scopes) WITH ORDINALITY AS each (scope, place)
        WHERE NOT scope = ANY({removed}) ORDER BY place
    ) || {added} AS after
    FROM stored
), written AS (
    UPDATE api_keys AS key SET scopes = changed.after FROM changed WHERE key.id = changed.id
)
INSERT INTO audit_events (actor_kind, action, target_kind, target_id, subject_id, before, after, request_id)
SELECT 'operator', 'api_key.updated', 'api_key', id, user_id, jsonb_build_object('scopes', to_jsonb(before)),
    jsonb_build_object('scopes', to_jsonb(after)), ''
FROM changed
"""
NONE = "'{}'::varchar[]"
FORWARDS = CHANGE.format(
    condition="""
        key.scopes && (ARRAY['keyhouse:account', 'keyhouse:staff', 'keyhouse:*']::varchar[] || %(account)s::varchar[])
        OR owner.is_staff AND key.scopes && %(staff)s::varchar[]
    """,
    removed=f"""
        ARRAY['keyhouse:account', 'keyhouse:staff', 'keyhouse:*'] || %(account)s::varchar[]
        || CASE WHEN stored.is_staff THEN %(staff)s::varchar[] ELSE {NONE} END
    """,
    added=f"""
        CASE WHEN stored.scopes && ARRAY['keyhouse:account', 'keyhouse:*']::varchar[]
            THEN %(account)s::varchar[] ELSE {NONE} END
        || CASE WHEN 'keyhouse:staff' = ANY(stored.scopes) OR stored.is_staff AND 'keyhouse:*' = ANY(stored.scopes)
            THEN %(staff)s::varchar[] ELSE {NONE} END
    """,
)
BACKWARDS = CHANGE.format(
    condition="key.scopes @> %(account)s::varchar[] OR key.scopes @> %(staff)s::varchar[]",
    removed=f"""
        CASE WHEN stored.scopes @> %(account)s::varchar[] THEN %(account)s::varchar[] ELSE {NONE} END
        || CASE WHEN stored.scopes @> %(staff)s::varchar[] THEN %(staff)s::varchar[] ELSE {NONE} END
    """,
    added=f"""
        CASE WHEN stored.scopes @> %(account)s::varchar[] THEN ARRAY['keyhouse:account']::varchar[] ELSE {NONE} END
        || CASE WHEN stored.scopes @> %(staff)s::varchar[] THEN ARRAY['keyhouse:staff']::varchar[] ELSE {NONE} END
    """,
)


def rename(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(FORWARDS, {"account": ACCOUNT, "staff": STAFF})


def restore(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(BACKWARDS, {"account": ACCOUNT, "staff": STAFF})


class Migration(migrations.Migration):
    dependencies = [
        ("api_keys", "20261127_1640_roles_for_staff_with_keys"),
        ("audit", "20261125_1814_who_and_how"),
    ]

    operations = [migrations.RunPython(rename, restore)]
