"""Empties the tables between tests, and gives back what migrations have put in."""

from functools import cache

from django.apps import apps
from django.db import connection, transaction

# The children last; they are emptied in the other order.
RESTORED = ("plans", "plan_limits", "auth_group", "role_scopes")
SEEDED = {*RESTORED, "django_content_type", "auth_permission", "django_migrations"}
CONTENTS = "(SELECT coalesce(jsonb_agg(entry ORDER BY id), '[]')::text FROM {0} AS entry)"


@cache
def seeds() -> tuple[str, ...]:
    """Return the rows of the seeded tables that tests may change, as they are at the first call."""
    return _contents()


def empty_tables() -> None:
    """Remove every row that is not seeded by a migration, and restore those that are."""
    with connection.cursor() as cursor:
        cursor.execute(_emptying())
    if _contents() != seeds():
        _restore()


@cache
def _emptying() -> str:
    """Return what empties the tables in one round trip."""
    # Triggers off for this transaction: the append-only tables refuse to be emptied, as they should.
    deletions = [f'DELETE FROM "{table}"' for table in _tables()]
    return "; ".join(["BEGIN", "SET LOCAL session_replication_role = replica", *deletions, "COMMIT"])


def every_row() -> str:
    """Return every row of every table as text."""
    with connection.cursor() as cursor:
        tables = ", ".join(
            f"""coalesce((SELECT string_agg(each::text, ' ') FROM "{table}" AS each), '')"""
            for table in [*_tables(), *sorted(SEEDED)]
        )
        cursor.execute(f"SELECT concat_ws(' ', {tables})")
        return str(cursor.fetchone()[0])


def _contents() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(CONTENTS.format(table) for table in RESTORED)}")
        return tuple(cursor.fetchone())


def _restore() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in reversed(RESTORED):
            cursor.execute(f"DELETE FROM {table}")
        for table, rows in zip(RESTORED, seeds(), strict=True):
            cursor.execute(f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, %s)", [rows])


@cache
def _tables() -> list[str]:
    models = apps.get_models(include_auto_created=True)
    return [model._meta.db_table for model in models if model._meta.db_table not in SEEDED]
