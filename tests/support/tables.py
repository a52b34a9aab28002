"""Empties the tables between tests, and restores the rows that migrations insert."""

from functools import cache

from django.apps import apps
from django.db import connection, transaction

# Child tables last. They are emptied in reverse order.
RESTORED = ("plans", "plan_limits", "auth_group", "role_scopes", "usage_rollups")
SEEDED = {*RESTORED, "django_content_type", "auth_permission", "django_migrations"}
CONTENTS = "(SELECT coalesce(jsonb_agg(entry ORDER BY id), '[]')::text FROM {0} AS entry)"


@cache
def seeds() -> tuple[str, ...]:
    """Return the rows of the seeded tables that tests may change, as of the first call."""
    return _contents()


def empty_tables() -> None:
    """Delete every row that is not inserted by a migration, and restore the rows that are."""
    with connection.cursor() as cursor:
        cursor.execute(_emptying())
    if _contents() != seeds():
        _restore()


@cache
def _emptying() -> str:
    """Return the SQL that empties the tables in one round trip."""
    # Triggers are off in this transaction, because those of append-only tables prevent deletions.
    deletions = [f'DELETE FROM "{table}"' for table in _tables()]
    # The deletions are changes too. Removed changes leave a floor, and a transaction in the database of another test
    # process could make a reader fall below it.
    return "; ".join(
        ["BEGIN", "SET LOCAL session_replication_role = replica", *deletions, "TRUNCATE record_changes", "COMMIT"]
    )


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
    models = (model._meta for model in apps.get_models(include_auto_created=True))
    return [model.db_table for model in models if model.managed and model.db_table not in SEEDED]
