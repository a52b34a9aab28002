"""Let each caller have its own request ids, without blocking writes while the index is made."""

from django.db import migrations, models

DROP_INVALID = "DROP INDEX CONCURRENTLY IF EXISTS verification_answers_by_caller"
INDEX = "CREATE UNIQUE INDEX CONCURRENTLY verification_answers_by_caller "
INDEX += "ON verification_answers (caller, api_key_id, request_id)"
REPLACE = """
ALTER TABLE verification_answers
    DROP CONSTRAINT verification_answers_pkey,
    ADD CONSTRAINT verification_answers_pkey PRIMARY KEY USING INDEX verification_answers_by_caller
"""
# Two callers may have used the same id for a key.
BACKWARD = """
DELETE FROM verification_answers AS answer USING verification_answers AS older
WHERE older.api_key_id = answer.api_key_id AND older.request_id = answer.request_id
    AND (older.answered_at, older.caller) < (answer.answered_at, answer.caller);
ALTER TABLE verification_answers
    DROP CONSTRAINT verification_answers_pkey, ADD PRIMARY KEY (api_key_id, request_id)
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("verification", "20261127_2209_fingerprints")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL(DROP_INVALID, migrations.RunSQL.noop),
        migrations.RunSQL(INDEX, migrations.RunSQL.noop),
        migrations.RunSQL(
            REPLACE,
            reverse_sql=BACKWARD,
            state_operations=[
                migrations.AlterField(
                    model_name="verificationanswer",
                    name="pk",
                    field=models.CompositePrimaryKey(
                        "caller",
                        "api_key_id",
                        "request_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        ),
    ]
