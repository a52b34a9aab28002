"""Find what concerns an account; made beside a table that goes on being written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("audit", "20261125_1814_who_and_how")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS audit_events_subject", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(fields=["subject_id", "-id"], name="audit_events_subject"),
        ),
    ]
