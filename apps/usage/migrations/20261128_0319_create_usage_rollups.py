"""Rollups of usage: by key and by tag for each quarter of an hour, and by customer for each day.

The job `usage-rollup` adds usage events to them in the order of their times. A batch that is expanded later than that is
added by the trigger that expands it.
"""

from django.db import migrations, models

# The lock of the one row makes a rollup and an expansion wait for each other; each then sees what the other has
# committed. Rows are written in order of their keys, so that two expansions do not deadlock.
EXPANSION = """
CREATE OR REPLACE FUNCTION expand_usage_batches() RETURNS trigger LANGUAGE plpgsql AS $$
{declarations}BEGIN
    INSERT INTO credit_transactions (id, user_id, occurred_at, type, amount, balance_after)
    SELECT debit.entry_id, debit.user_id, batch.occurred_at, 'usage', -debit.amount, debit.balance_after
    FROM expanded AS batch
    CROSS JOIN unnest(batch.debited_ids, batch.amounts, batch.balances_after, batch.entry_ids)
        AS debit (user_id, amount, balance_after, entry_id);

    INSERT INTO usage_events
        (id, occurred_at, user_id, api_key_id, cost, weight, credit_transaction_id, tag, request_id)
    OVERRIDING SYSTEM VALUE
    SELECT
        batch.id + call.number - 1, batch.occurred_at, call.user_id, call.api_key_id, call.cost, call.weight,
        CASE WHEN call.cost <> 0 THEN batch.entry_ids[array_position(batch.debited_ids, call.user_id)] END,
        coalesce(call.tag, ''), call.request_id
    FROM expanded AS batch
    CROSS JOIN unnest(
        batch.user_ids, batch.api_key_ids, batch.costs, batch.weights, batch.tags, batch.request_ids
    ) WITH ORDINALITY AS call (user_id, api_key_id, cost, weight, tag, request_id, number);
{rollup}    RETURN NULL;
END;
$$;
"""
DECLARATIONS = """DECLARE
    late timestamptz;
"""
ROLLUP = """
    SELECT rolled_up_until INTO late FROM usage_rollups FOR SHARE;
    IF EXISTS (SELECT FROM expanded WHERE occurred_at < late) THEN
        INSERT INTO key_usage_quarters AS rollup (user_id, quarter_at, api_key_id, calls, weight, cost)
        SELECT call.user_id, date_bin('15 minutes', batch.occurred_at, '2000-01-01 00:00+00'), call.api_key_id,
            count(*), sum(call.weight), sum(call.cost)
        FROM expanded AS batch CROSS JOIN unnest(batch.user_ids, batch.api_key_ids, batch.costs, batch.weights)
            AS call (user_id, api_key_id, cost, weight)
        WHERE batch.occurred_at < late GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (user_id, quarter_at, api_key_id) DO UPDATE SET calls = rollup.calls + EXCLUDED.calls,
            weight = rollup.weight + EXCLUDED.weight, cost = rollup.cost + EXCLUDED.cost;
        INSERT INTO tag_usage_quarters AS rollup (user_id, quarter_at, tag, calls, weight, cost)
        SELECT call.user_id, date_bin('15 minutes', batch.occurred_at, '2000-01-01 00:00+00'), call.tag,
            count(*), sum(call.weight), sum(call.cost)
        FROM expanded AS batch CROSS JOIN unnest(batch.user_ids, batch.tags, batch.costs, batch.weights)
            AS call (user_id, tag, cost, weight)
        WHERE batch.occurred_at < late AND call.tag <> '' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (user_id, quarter_at, tag) DO UPDATE SET calls = rollup.calls + EXCLUDED.calls,
            weight = rollup.weight + EXCLUDED.weight, cost = rollup.cost + EXCLUDED.cost;
        INSERT INTO customer_usage_days AS rollup (day_at, user_id, calls, weight, cost)
        SELECT date_trunc('day', batch.occurred_at, 'UTC'), call.user_id, count(*), sum(call.weight), sum(call.cost)
        FROM expanded AS batch CROSS JOIN unnest(batch.user_ids, batch.costs, batch.weights)
            AS call (user_id, cost, weight)
        WHERE batch.occurred_at < late GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (day_at, user_id) DO UPDATE SET calls = rollup.calls + EXCLUDED.calls,
            weight = rollup.weight + EXCLUDED.weight, cost = rollup.cost + EXCLUDED.cost;
    END IF;
"""
MARK = "INSERT INTO usage_rollups (id, rolled_up_until) VALUES (1, '2000-01-01 00:00+00')"
FORWARD = EXPANSION.format(declarations=DECLARATIONS, rollup=ROLLUP)
BACKWARD = EXPANSION.format(declarations="", rollup="")


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "20261128_0118_find_calls_by_request_id"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerUsageDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "day_at", "user_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day_at", models.DateTimeField()),
                ("user_id", models.BigIntegerField()),
                ("calls", models.BigIntegerField()),
                ("weight", models.BigIntegerField()),
                ("cost", models.DecimalField(decimal_places=6, max_digits=26)),
            ],
            options={
                "db_table": "customer_usage_days",
            },
        ),
        migrations.CreateModel(
            name="KeyUsageQuarter",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "user_id",
                        "quarter_at",
                        "api_key_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("user_id", models.BigIntegerField()),
                ("quarter_at", models.DateTimeField()),
                ("api_key_id", models.BigIntegerField()),
                ("calls", models.BigIntegerField()),
                ("weight", models.BigIntegerField()),
                ("cost", models.DecimalField(decimal_places=6, max_digits=26)),
            ],
            options={
                "db_table": "key_usage_quarters",
            },
        ),
        migrations.CreateModel(
            name="TagUsageQuarter",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "user_id", "quarter_at", "tag", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.BigIntegerField()),
                ("quarter_at", models.DateTimeField()),
                ("tag", models.CharField(max_length=100)),
                ("calls", models.BigIntegerField()),
                ("weight", models.BigIntegerField()),
                ("cost", models.DecimalField(decimal_places=6, max_digits=26)),
            ],
            options={
                "db_table": "tag_usage_quarters",
            },
        ),
        migrations.CreateModel(
            name="UsageRollup",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("rolled_up_until", models.DateTimeField()),
                ("events_dropped_until", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "usage_rollups",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="usage_rollups_one_row")],
            },
        ),
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
        migrations.RunSQL(FORWARD, reverse_sql=BACKWARD),
    ]
