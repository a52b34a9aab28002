"""Give the scope for notes to the ready-made roles whose members talk to customers, where they read customers."""

from typing import Any

from django.db import migrations

SCOPE = "customers:note"
NAMES = ["support", "finance", "operations", "administrator"]
GIVE = """
INSERT INTO role_scopes (role_id, scope)
SELECT role.id, %(scope)s::text FROM auth_group AS role
JOIN role_scopes AS held ON held.role_id = role.id AND held.scope = 'customers:read'
WHERE role.name = ANY(%(names)s::text[])
ON CONFLICT DO NOTHING
"""
TAKE = "DELETE FROM role_scopes WHERE scope = %(scope)s::text"


def _run(schema_editor: Any, sql: str) -> None:
    names = [*NAMES, *(f"keyhouse-{name}" for name in NAMES)]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql, {"scope": SCOPE, "names": names})


def give(_apps: Any, schema_editor: Any) -> None:
    _run(schema_editor, GIVE)


def take(_apps: Any, schema_editor: Any) -> None:
    _run(schema_editor, TAKE)


class Migration(migrations.Migration):
    dependencies = [("users", "20261128_0140_create_account_notes")]

    operations = [migrations.RunPython(give, take)]
