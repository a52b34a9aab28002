"""The usage events, partitioned by month, with a function that makes the months' partitions ahead of time."""

from django.db import migrations, models

FORWARD = """
CREATE TABLE usage_events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    occurred_at timestamptz NOT NULL,
    user_id bigint NOT NULL,
    api_key_id bigint NOT NULL,
    cost numeric(20, 6) NOT NULL,
    weight integer NOT NULL,
    tag varchar(100) NOT NULL,
    request_id varchar(100) NOT NULL,
    PRIMARY KEY (occurred_at, id)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX usage_events_api_key ON usage_events (api_key_id, occurred_at);
CREATE INDEX usage_events_user ON usage_events (user_id, occurred_at);
-- Takes whatever no month's partition takes, so that a call is never refused for want of one.
CREATE TABLE usage_events_default PARTITION OF usage_events DEFAULT;

CREATE FUNCTION ensure_usage_partitions(months_ahead integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month timestamp;
    partition text;
BEGIN
    FOR month IN
        SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)
        FROM generate_series(0, months_ahead) AS ahead
    LOOP
        partition := 'usage_events_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        BEGIN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF usage_events FOR VALUES FROM (%L) TO (%L)',
                partition, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC'
            );
        EXCEPTION
            WHEN duplicate_table THEN NULL;  -- another process made it
            WHEN check_violation THEN NULL;  -- the default partition holds rows of this month already
        END;
    END LOOP;
END;
$$;
SELECT ensure_usage_partitions(12);
"""
BACKWARD = """
DROP FUNCTION ensure_usage_partitions(integer);
DROP TABLE usage_events;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(
            FORWARD,
            reverse_sql=BACKWARD,
            state_operations=[
                migrations.CreateModel(
                    name="UsageEvent",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "occurred_at", "id", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("id", models.BigIntegerField()),
                        ("occurred_at", models.DateTimeField()),
                        ("user_id", models.BigIntegerField()),
                        ("api_key_id", models.BigIntegerField()),
                        ("cost", models.DecimalField(decimal_places=6, max_digits=20)),
                        ("weight", models.IntegerField()),
                        ("tag", models.CharField(blank=True, default="", max_length=100)),
                        ("request_id", models.CharField(max_length=100)),
                    ],
                    options={
                        "db_table": "usage_events",
                        "indexes": [
                            models.Index(fields=["api_key_id", "occurred_at"], name="usage_events_api_key"),
                            models.Index(fields=["user_id", "occurred_at"], name="usage_events_user"),
                        ],
                    },
                ),
            ],
        ),
    ]
