"""Index the metadata of keys, for searches by a part of it, without blocking writes to the table."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("api_keys", "20261127_1913_remove_withheld_staff_scopes")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_keys_metadata", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikey",
            index=GinIndex(fields=["metadata"], name="api_keys_metadata", opclasses=["jsonb_path_ops"]),
        ),
    ]
