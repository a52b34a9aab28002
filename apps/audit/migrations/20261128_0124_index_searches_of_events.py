"""Index searches of audit events by request and by action, without blocking writes to the table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("audit", "20261128_0103_erase_reasons"),
    ]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS audit_events_request", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("request_id", ""), _negated=True),
                fields=["request_id"],
                name="audit_events_request",
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS audit_events_action", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(fields=["action", "-id"], name="audit_events_action"),
        ),
    ]
