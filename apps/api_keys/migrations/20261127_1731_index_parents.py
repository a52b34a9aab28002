"""Index the keys that a key has created, without blocking writes to the table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("api_keys", "20261127_1730_add_parent")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_keys_parent", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikey",
            index=models.Index(
                condition=models.Q(("parent__isnull", False)), fields=["parent"], name="api_keys_parent"
            ),
        ),
    ]
