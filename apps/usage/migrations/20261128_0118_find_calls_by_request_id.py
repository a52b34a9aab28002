"""An index that finds an allowed call by its request id, if it was made in a known period.

Each entry begins with the ten minutes of the call, so that new entries go to the same few pages: an index of random ids
alone would touch a page of its own for each call. The search probes all ten minutes of its period.
"""

from typing import Any

from django.db import migrations

COLUMNS = "date_bin('10 minutes', occurred_at, '2000-01-01 00:00+00'), hashtext(request_id)"
PARENT = f"CREATE INDEX IF NOT EXISTS usage_events_request ON ONLY usage_events ({COLUMNS})"
# Not one transaction, so that usage goes on being written; what has been indexed stays if this is interrupted.
NOT_INDEXED = """
SELECT child.inhrelid::regclass::text FROM pg_inherits AS child
WHERE child.inhparent = 'usage_events'::regclass AND NOT EXISTS (
    SELECT FROM pg_inherits AS attached JOIN pg_index AS own ON own.indexrelid = attached.inhrelid
    WHERE attached.inhparent = 'usage_events_request'::regclass AND own.indrelid = child.inhrelid
)
ORDER BY 1
"""
BACKWARD = "DROP INDEX IF EXISTS usage_events_request"


def _index_partitions(_apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(PARENT)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(NOT_INDEXED)
        partitions = [partition for (partition,) in cursor.fetchall()]
    for partition in partitions:
        index = f"{partition}_request"
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")  # an interrupted one is invalid
        schema_editor.execute(f"CREATE INDEX CONCURRENTLY {index} ON {partition} ({COLUMNS})")
        schema_editor.execute(f"ALTER INDEX usage_events_request ATTACH PARTITION {index}")


def _drop(_apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(BACKWARD)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("usage", "20261128_0108_create_refusals")]

    operations = [migrations.RunPython(_index_partitions, _drop)]
