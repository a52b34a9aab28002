"""Find the newest secret of a key, without blocking writes to the table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("api_keys", "20261128_0124_index_lists_of_keys")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_key_secrets_newest", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikeysecret",
            index=models.Index(fields=["api_key", "-id"], name="api_key_secrets_newest"),
        ),
    ]
