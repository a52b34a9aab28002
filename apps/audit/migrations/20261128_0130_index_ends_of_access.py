"""Find what has last taken an account's access away, without blocking writes to the table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("audit", "20261128_0124_index_searches_of_events")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS audit_events_end_of_access", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("action__in", ("user.suspended", "user.deleted")), ("target_kind", "user")),
                fields=["target_id", "-id"],
                name="audit_events_end_of_access",
            ),
        ),
    ]
