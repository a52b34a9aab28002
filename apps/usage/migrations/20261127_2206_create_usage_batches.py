"""Rows for whole batches of verifications, and a view of all usage.

The database expands a row to usage events and ledger entries when it is deleted.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

# The arrays stay in the row, uncompressed: they are written once, read once or twice, and deleted within a second.
# Ids of usage events leave room for those of a batch, which are not drawn one by one.
FORWARD = """
ALTER SEQUENCE usage_events_id_seq INCREMENT BY 1024;

ALTER TABLE usage_batches
    SET (toast_tuple_target = 8160),
    ALTER user_ids SET STORAGE EXTERNAL, ALTER api_key_ids SET STORAGE EXTERNAL, ALTER costs SET STORAGE EXTERNAL,
    ALTER weights SET STORAGE EXTERNAL, ALTER request_ids SET STORAGE EXTERNAL, ALTER tags SET STORAGE EXTERNAL,
    ALTER debited_ids SET STORAGE EXTERNAL, ALTER amounts SET STORAGE EXTERNAL,
    ALTER balances_after SET STORAGE EXTERNAL, ALTER entry_ids SET STORAGE EXTERNAL,
    ADD CONSTRAINT usage_batches_lengths CHECK (
        cardinality(user_ids) BETWEEN 1 AND 1024
        AND cardinality(api_key_ids) = cardinality(user_ids)
        AND cardinality(costs) = cardinality(user_ids)
        AND cardinality(weights) = cardinality(user_ids)
        AND cardinality(request_ids) = cardinality(user_ids)
        AND (tags IS NULL OR cardinality(tags) = cardinality(user_ids))
        AND cardinality(amounts) = cardinality(debited_ids)
        AND cardinality(balances_after) = cardinality(debited_ids)
        AND cardinality(entry_ids) = cardinality(debited_ids)
    );

CREATE VIEW usage_records AS
SELECT
    id, occurred_at, user_id, api_key_id, cost, weight, credit_transaction_id, tag, request_id,
    NULL::bigint[] AS pending_user_ids
FROM usage_events
UNION ALL
%(calls)s;

CREATE FUNCTION expand_usage_batches() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO credit_transactions (id, user_id, occurred_at, type, amount, balance_after)
    SELECT debit.entry_id, debit.user_id, batch.occurred_at, 'usage', -debit.amount, debit.balance_after
    FROM expanded AS batch
    CROSS JOIN unnest(batch.debited_ids, batch.amounts, batch.balances_after, batch.entry_ids)
        AS debit (user_id, amount, balance_after, entry_id);

    INSERT INTO usage_events
        (id, occurred_at, user_id, api_key_id, cost, weight, credit_transaction_id, tag, request_id)
    OVERRIDING SYSTEM VALUE
    %(expanded_calls)s;
    RETURN NULL;
END;
$$;
CREATE TRIGGER usage_batches_expand AFTER DELETE ON usage_batches REFERENCING OLD TABLE AS expanded
    FOR EACH STATEMENT EXECUTE FUNCTION expand_usage_batches();
CREATE TRIGGER usage_batches_append_only BEFORE UPDATE OR TRUNCATE ON usage_batches
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
"""
CALLS = """SELECT
        batch.id + call.number - 1, batch.occurred_at, call.user_id, call.api_key_id, call.cost, call.weight,
        CASE WHEN call.cost <> 0 THEN batch.entry_ids[array_position(batch.debited_ids, call.user_id)] END,
        coalesce(call.tag, ''), call.request_id{more}
    FROM {batches} AS batch
    CROSS JOIN unnest(
        batch.user_ids, batch.api_key_ids, batch.costs, batch.weights, batch.tags, batch.request_ids
    ) WITH ORDINALITY AS call (user_id, api_key_id, cost, weight, tag, request_id, number)"""
# Expands what is pending; the lock keeps out batches of workers that still run.
BACKWARD = """
LOCK TABLE usage_batches IN ACCESS EXCLUSIVE MODE;
DELETE FROM usage_batches;
DROP VIEW usage_records;
DROP TRIGGER usage_batches_append_only ON usage_batches;
DROP TRIGGER usage_batches_expand ON usage_batches;
DROP FUNCTION expand_usage_batches();
ALTER TABLE usage_batches DROP CONSTRAINT usage_batches_lengths;
SELECT setval('usage_events_id_seq', nextval('usage_events_id_seq'));
ALTER SEQUENCE usage_events_id_seq INCREMENT BY 1;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "20261122_1843_add_credit_transaction"),
        ("audit", "20261122_1613_append_only"),  # makes refuse_rewriting()
        ("credits", "20261122_1841_create_credit_transactions"),  # written to by the trigger
    ]

    operations = [
        migrations.CreateModel(
            name="UsageRecord",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("occurred_at", models.DateTimeField()),
                ("user_id", models.BigIntegerField()),
                ("api_key_id", models.BigIntegerField()),
                ("cost", models.DecimalField(decimal_places=6, max_digits=20)),
                ("weight", models.IntegerField()),
                ("credit_transaction_id", models.BigIntegerField(null=True)),
                ("tag", models.CharField(max_length=100)),
                ("request_id", models.CharField(max_length=100)),
                (
                    "pending_user_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), null=True),
                ),
            ],
            options={
                "db_table": "usage_records",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="UsageBatch",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("occurred_at", models.DateTimeField()),
                ("user_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField())),
                ("api_key_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField())),
                (
                    "costs",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DecimalField(decimal_places=6, max_digits=20)
                    ),
                ),
                ("weights", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField())),
                ("request_ids", django.contrib.postgres.fields.ArrayField(base_field=models.TextField())),
                ("tags", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True)),
                ("debited_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField())),
                (
                    "amounts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DecimalField(decimal_places=6, max_digits=20)
                    ),
                ),
                (
                    "balances_after",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DecimalField(decimal_places=6, max_digits=20)
                    ),
                ),
                ("entry_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField())),
            ],
            options={
                "db_table": "usage_batches",
            },
        ),
        migrations.RunSQL(
            FORWARD
            % {
                "calls": CALLS.format(batches="usage_batches", more=", batch.user_ids"),
                "expanded_calls": CALLS.format(batches="expanded", more=""),
            },
            reverse_sql=BACKWARD,
        ),
    ]
