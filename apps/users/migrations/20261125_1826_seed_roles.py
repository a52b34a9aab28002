"""The two roles every installation begins with: for services that ask about keys, and for those that hold credits."""

from typing import Any

from django.db import migrations

SCOPES = {"service": "keys:verify", "credit-service": "credits:hold"}
SEED = """
WITH role AS (
    INSERT INTO auth_group (name)
    SELECT name FROM unnest(ARRAY[%(name)s::text, 'keyhouse-' || %(name)s::text]) WITH ORDINALITY AS wanted (name, place)
    WHERE name NOT IN (SELECT name FROM auth_group) ORDER BY place LIMIT 1
    RETURNING id
)
INSERT INTO role_scopes (role_id, scope) SELECT id, %(scope)s FROM role
"""
# Only what is still as it was seeded: a role that somebody has made their own stays a group of Django's.
SEEDED = """
SELECT id FROM auth_group AS role
WHERE name IN (%(name)s::text, 'keyhouse-' || %(name)s::text)
AND ARRAY(SELECT scope::text FROM role_scopes WHERE role_id = role.id) = ARRAY[%(scope)s]
AND NOT EXISTS (SELECT FROM auth_group_permissions WHERE group_id = role.id)
"""


def seed(_apps: Any, schema_editor: Any) -> None:
    # A group of this name that is there already may have members, who are to be given nothing: the role gets another.
    with schema_editor.connection.cursor() as cursor:
        for name, scope in SCOPES.items():
            cursor.execute(SEED, {"name": name, "scope": scope})


def unseed(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        for name, scope in SCOPES.items():
            cursor.execute(SEEDED, {"name": name, "scope": scope})
            for (role_id,) in cursor.fetchall():
                cursor.execute("DELETE FROM role_scopes WHERE role_id = %s", [role_id])
                cursor.execute("DELETE FROM users_groups WHERE group_id = %s", [role_id])
                cursor.execute("DELETE FROM auth_group WHERE id = %s", [role_id])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("users", "20261125_1825_create_role_scopes")]

    operations = [migrations.RunPython(seed, unseed)]
