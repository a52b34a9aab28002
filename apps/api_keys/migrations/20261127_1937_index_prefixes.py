"""Index the visible prefixes of secrets, for searches by their beginning, without blocking writes to the table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("api_keys", "20261127_1936_index_metadata")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_key_secrets_prefix", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikeysecret",
            index=models.Index(fields=["prefix"], name="api_key_secrets_prefix", opclasses=["text_pattern_ops"]),
        ),
    ]
