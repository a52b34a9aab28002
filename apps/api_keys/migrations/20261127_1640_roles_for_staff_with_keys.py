"""Give members of staff whose keys have a service scope the role that gives it: being staff gives none any longer.

Superusers hold every scope and need nothing. Each gift is in the audit trail.
"""

from typing import Any

from django.db import migrations

GRANTS = {"keys:verify": ["keys:verify", "keys:*"], "credits:hold": ["credits:hold", "credits:*"]}
# The seeded role, under whatever name: it gives this scope alone.
ROLE = """
SELECT role.id, role.name FROM auth_group AS role
WHERE ARRAY(SELECT scope::text FROM role_scopes WHERE role_id = role.id) = ARRAY[%(scope)s]
ORDER BY role.id LIMIT 1
"""
GIVE = """
WITH role (id, name) AS (VALUES (%(role_id)s, %(role_name)s)), owner AS (
    SELECT DISTINCT account.id
    FROM api_keys AS key JOIN users AS account ON account.id = key.user_id
    WHERE key.scopes && %(grants)s::varchar[] AND key.revoked_at IS NULL AND key.deleted_at IS NULL
    AND account.deleted_at IS NULL AND account.is_staff AND NOT account.is_superuser
    AND NOT EXISTS (
        SELECT FROM users_groups AS membership JOIN role_scopes AS held ON held.role_id = membership.group_id
        WHERE membership.user_id = account.id AND held.scope = %(scope)s
    )
), given AS (
    INSERT INTO users_groups (user_id, group_id) SELECT owner.id, role.id FROM owner, role
    ON CONFLICT DO NOTHING RETURNING user_id
), changed AS (
    SELECT given.user_id, role.name, ARRAY(
        SELECT had.name::text FROM users_groups AS membership JOIN auth_group AS had ON had.id = membership.group_id
        WHERE membership.user_id = given.user_id ORDER BY 1
    ) AS before
    FROM given, role
)
INSERT INTO audit_events (actor_kind, action, target_kind, target_id, before, after, request_id)
SELECT 'operator', 'user.updated', 'user', user_id, jsonb_build_object('roles', before),
    jsonb_build_object('roles', ARRAY(SELECT unnest(before || name) ORDER BY 1)), ''
FROM changed
"""


def give(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        for scope, grants in GRANTS.items():
            cursor.execute(ROLE, {"scope": scope})
            for role_id, role_name in cursor.fetchall():
                values = {"role_id": role_id, "role_name": role_name, "grants": grants, "scope": scope}
                cursor.execute(GIVE, values)


class Migration(migrations.Migration):
    dependencies = [
        ("api_keys", "20261125_1827_roles_for_owners_of_keys"),
        ("users", "20261127_1640_seed_staff_roles"),
    ]

    # Backwards nothing is taken: to the version before, staff hold these scopes with and without the role.
    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
