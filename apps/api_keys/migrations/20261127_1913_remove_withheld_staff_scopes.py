"""Remove scopes of staff from keys whose owners are not staff.

Before the catalogue, these names were free for customers' own scopes. They are withheld on such a key, and would become
rights on the day on which its owner becomes a member of staff. Since the catalogue, no such scope can be put on a key
of an owner who does not hold it. Each change is in the audit trail, with the scopes before and after.
"""

from typing import Any

from django.db import migrations

STAFF = [
    "customers:read", "customers:write", "customers:suspend", "keys:read", "keys:write", "credits:read", "credits:grant",
    "credits:adjust", "plans:read", "plans:write", "security:read", "security:write", "audit:read", "staff:read",
    "staff:manage", "system:read", "system:write",
]  # fmt: skip
# Rows are locked in order of id.
REMOVE = """
WITH stored AS (
    SELECT key.id, key.user_id, key.scopes
    FROM api_keys AS key JOIN users AS owner ON owner.id = key.user_id
    WHERE NOT owner.is_staff AND key.scopes && %(staff)s::varchar[]
    ORDER BY key.id
    FOR NO KEY UPDATE OF key
), changed AS (
    SELECT stored.id, stored.user_id, stored.scopes AS before, ARRAY(
        SELECT scope FROM unnest(stored.scopes) WITH ORDINALITY AS each (scope, place)
        WHERE NOT scope = ANY(%(staff)s::varchar[]) ORDER BY place
    ) AS after
    FROM stored
), written AS (
    UPDATE api_keys AS key SET scopes = changed.after FROM changed WHERE key.id = changed.id
)
INSERT INTO audit_events (actor_kind, action, target_kind, target_id, subject_id, before, after, request_id)
SELECT 'operator', 'api_key.updated', 'api_key', id, user_id, jsonb_build_object('scopes', to_jsonb(before)),
    jsonb_build_object('scopes', to_jsonb(after)), ''
FROM changed
"""


def remove(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(REMOVE, {"staff": STAFF})


class Migration(migrations.Migration):
    dependencies = [
        ("api_keys", "20261127_1901_compose_names"),
        ("audit", "20261125_1814_who_and_how"),
        ("users", "20261122_1612_create_users"),
    ]

    # Withheld scopes grant nothing, so there is nothing to restore.
    operations = [migrations.RunPython(remove, migrations.RunPython.noop)]
