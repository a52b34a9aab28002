"""Find the attempts to delete, by age, without blocking writes to the table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("audit", "20261127_2005_expire_attempts")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS audit_events_attempts", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(
                    models.Q(("outcome", "failure"), models.Q(("action", "session.reuse_detected"), _negated=True)),
                    ("action", "password.reset_asked"),
                    _connector="OR",
                ),
                fields=["occurred_at"],
                name="audit_events_attempts",
            ),
        ),
    ]
