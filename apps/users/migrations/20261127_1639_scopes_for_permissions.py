"""Give each role the scopes for what its permissions in the admin have allowed. Permissions have no effect any longer.

Their rows stay, so that the version before finds them. Each change of a role is in the audit trail.
"""

from typing import Any

from django.db import migrations

READS = {
    ("users", "user"): ["customers:read"],
    ("users", "invitation"): ["customers:read"],
    ("users", "role"): ["staff:read"],
    ("api_keys", "apikey"): ["keys:read"],
    ("credits", "creditbalance"): ["credits:read"],
    ("credits", "credittransaction"): ["credits:read"],
    ("plans", "plan"): ["plans:read"],
    ("authentication", "session"): ["security:read"],
    ("identities", "identity"): ["security:read"],
    ("second_factors", "passkey"): ["security:read"],
    ("second_factors", "totpdevice"): ["security:read"],
    ("audit", "auditevent"): ["audit:read"],
    ("mail", "outgoingmail"): ["system:read"],
}
WRITES = {
    ("users", "user"): ["customers:write"],
    ("users", "invitation"): ["customers:write"],
    ("api_keys", "apikey"): ["keys:write"],
    ("plans", "plan"): ["plans:write"],
    ("authentication", "session"): ["security:write"],
    ("identities", "identity"): ["security:write"],
    ("mail", "outgoingmail"): ["system:write"],
}
# What only the change of these rows has allowed, beside the above.
CHANGES = {
    ("users", "user"): ["customers:suspend"],
    ("credits", "creditbalance"): ["credits:grant", "credits:adjust"],
}
VERBS = [("view", READS), ("add", WRITES), ("change", WRITES), ("delete", WRITES), ("change", CHANGES)]
STAFF_SCOPES = [
    "customers:read", "customers:write", "customers:suspend", "keys:read", "keys:write", "credits:read", "credits:grant",
    "credits:adjust", "plans:read", "plans:write", "security:read", "security:write", "audit:read", "staff:read",
    "staff:manage", "system:read", "system:write",
]  # fmt: skip
GIVE = """
WITH mapped AS (
    SELECT app_label, codename, scope
    FROM unnest(%(apps)s::text[], %(codenames)s::text[], %(scopes)s::text[]) AS each (app_label, codename, scope)
), given AS (
    INSERT INTO role_scopes (role_id, scope)
    SELECT DISTINCT granted.group_id, mapped.scope
    FROM auth_group_permissions AS granted
    JOIN auth_permission AS permission ON permission.id = granted.permission_id
    JOIN django_content_type AS type ON type.id = permission.content_type_id
    JOIN mapped ON mapped.app_label = type.app_label AND mapped.codename = permission.codename
    ON CONFLICT DO NOTHING
    RETURNING role_id, scope
)
INSERT INTO audit_events (actor_kind, action, target_kind, target_id, before, after, request_id)
SELECT 'operator', 'role.updated', 'role', role_id, jsonb_build_object('scopes', had),
    jsonb_build_object('scopes', ARRAY(SELECT unnest(had || array_agg(scope::text)) ORDER BY 1)), ''
FROM (
    SELECT given.role_id, given.scope,
        ARRAY(SELECT scope::text FROM role_scopes WHERE role_id = given.role_id ORDER BY 1) AS had
    FROM given
) AS changed
GROUP BY role_id, had
"""


def give(_apps: Any, schema_editor: Any) -> None:
    rows = [
        (app_label, f"{verb}_{model}", scope)
        for verb, mapping in VERBS
        for (app_label, model), scopes in mapping.items()
        for scope in scopes
    ]
    apps, codenames, scopes = (list(column) for column in zip(*rows, strict=True))
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(GIVE, {"apps": apps, "codenames": codenames, "scopes": scopes})


def take(_apps: Any, schema_editor: Any) -> None:
    # The version before knows none of these scopes, and shows no role that has one.
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DELETE FROM role_scopes WHERE scope = ANY(%s)", [STAFF_SCOPES])


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "20261122_1613_append_only"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("users", "20261126_0030_end_proofs"),
    ]

    operations = [migrations.RunPython(give, take)]
