"""The roles of staff that every installation begins with. No account has them until they are given."""

from typing import Any

from django.db import migrations

READS = [
    "customers:read", "keys:read", "credits:read", "plans:read", "security:read", "audit:read", "staff:read",
    "system:read",
]  # fmt: skip
WRITES = [
    "customers:write", "customers:suspend", "keys:write", "credits:grant", "credits:adjust", "plans:write",
    "security:write", "staff:manage", "system:write",
]  # fmt: skip
SERVICES = ["keys:verify", "credits:hold", "tokens:introspect"]
ROLES = {
    "support": [
        "customers:read", "customers:suspend", "keys:read", "keys:write", "credits:read", "security:read",
        "security:write", "audit:read",
    ],
    "finance": [
        "customers:read", "credits:read", "credits:grant", "credits:adjust", "plans:write", "audit:read",
    ],
    "operations": [
        "customers:read", "keys:read", "plans:write", "system:read", "system:write", "security:read", "audit:read",
    ],
    "auditor": READS,
    # Also those of services: an administrator gives roles, and can give only scopes of their own.
    "administrator": [*READS, *WRITES, *SERVICES],
}  # fmt: skip
# A group of this name that is there already may have members, who are to be given nothing: the role gets another name.
SEED = """
WITH role AS (
    INSERT INTO auth_group (name)
    SELECT name FROM unnest(ARRAY[%(name)s::text, 'keyhouse-' || %(name)s::text]) WITH ORDINALITY AS wanted (name, place)
    WHERE name NOT IN (SELECT name FROM auth_group) ORDER BY place LIMIT 1
    RETURNING id
)
INSERT INTO role_scopes (role_id, scope) SELECT id, unnest(%(scopes)s::text[]) FROM role
"""
# Only what is still as it was seeded.
SEEDED = """
SELECT id FROM auth_group AS role
WHERE name IN (%(name)s::text, 'keyhouse-' || %(name)s::text)
AND ARRAY(SELECT scope::text FROM role_scopes WHERE role_id = role.id ORDER BY 1)
    = ARRAY(SELECT unnest(%(scopes)s::text[]) ORDER BY 1)
AND NOT EXISTS (SELECT FROM auth_group_permissions WHERE group_id = role.id)
"""


def seed(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        for name, scopes in ROLES.items():
            cursor.execute(SEED, {"name": name, "scopes": scopes})


def unseed(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        for name, scopes in ROLES.items():
            cursor.execute(SEEDED, {"name": name, "scopes": scopes})
            for (role_id,) in cursor.fetchall():
                cursor.execute("DELETE FROM role_scopes WHERE role_id = %s", [role_id])
                cursor.execute("DELETE FROM users_groups WHERE group_id = %s", [role_id])
                cursor.execute("DELETE FROM auth_group WHERE id = %s", [role_id])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("users", "20261127_1639_scopes_for_permissions")]

    operations = [migrations.RunPython(seed, unseed)]
