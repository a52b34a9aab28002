"""Index the search and the states of keys, without blocking writes to the table."""

import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("core", "20261128_0124_enable_trigrams"),
        ("api_keys", "20261127_2245_more_room_for_updates"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_keys_search", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikey",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                ),
                name="api_keys_search",
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_keys_deleted", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikey",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["id"], name="api_keys_deleted"
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_keys_revoked", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikey",
            index=models.Index(
                condition=models.Q(("revoked_at__isnull", False)), fields=["id"], name="api_keys_revoked"
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_keys_disabled", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikey",
            index=models.Index(condition=models.Q(("is_active", False)), fields=["id"], name="api_keys_disabled"),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_keys_expiring", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikey",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False)), fields=["expires_at"], name="api_keys_expiring"
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS api_keys_of_tests", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="apikey",
            index=models.Index(condition=models.Q(("environment", "test")), fields=["id"], name="api_keys_of_tests"),
        ),
    ]
