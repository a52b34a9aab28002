"""Index the request ids of refused calls, without blocking writes to the table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("verification", "20261127_2210_request_ids_of_callers")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS verification_answers_refused", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="verificationanswer",
            index=models.Index(
                condition=models.Q(("answer__startswith", '{"valid":false')),
                fields=["request_id"],
                name="verification_answers_refused",
            ),
        ),
    ]
