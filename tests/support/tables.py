"""Empties the tables between tests."""

from functools import cache

from django.apps import apps
from django.db import connection

SEEDED = {"plans", "plan_limits", "django_content_type", "auth_permission", "django_migrations"}


def empty_tables() -> None:
    """Remove every row that is not seeded by a migration."""
    with connection.cursor() as cursor:
        # Triggers off for this session: the append-only tables refuse to be emptied, as they should.
        cursor.execute("SET session_replication_role = replica")
        for table in _tables():
            cursor.execute(f'DELETE FROM "{table}"')
        cursor.execute("SET session_replication_role = DEFAULT")


@cache
def _tables() -> list[str]:
    models = apps.get_models(include_auto_created=True)
    return [model._meta.db_table for model in models if model._meta.db_table not in SEEDED]
