"""A view of the whole ledger: the stored entries, and those of verification's batches that are yet to be expanded."""

import django.contrib.postgres.fields
from django.db import migrations, models

FORWARD = """
CREATE VIEW ledger_entries AS
SELECT
    id, user_id, occurred_at, type, amount, balance_after, description, reference_id, actor_id, actor_kind,
    NULL::bigint[] AS pending_user_ids
FROM credit_transactions
UNION ALL
SELECT
    debit.entry_id, debit.user_id, batch.occurred_at, 'usage'::varchar, -debit.amount, debit.balance_after,
    ''::varchar, ''::varchar, NULL::bigint, ''::varchar, batch.debited_ids
FROM usage_batches AS batch
CROSS JOIN unnest(batch.debited_ids, batch.amounts, batch.balances_after, batch.entry_ids)
    AS debit (user_id, amount, balance_after, entry_id);
"""
BACKWARD = "DROP VIEW ledger_entries;"


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "20261122_1901_index_references"),
        ("usage", "20261127_2206_create_usage_batches"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("occurred_at", models.DateTimeField()),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("top_up", "Top Up"),
                            ("refund", "Refund"),
                            ("adjustment", "Adjustment"),
                            ("usage", "Usage"),
                        ],
                        max_length=20,
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=6, max_digits=20)),
                ("balance_after", models.DecimalField(decimal_places=6, max_digits=20)),
                ("description", models.CharField(max_length=500)),
                ("reference_id", models.CharField(max_length=100)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_kind", models.CharField(max_length=20)),
                (
                    "pending_user_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), null=True),
                ),
            ],
            options={
                "db_table": "ledger_entries",
                "ordering": ["-id"],
                "managed": False,
            },
        ),
        migrations.RunSQL(FORWARD, reverse_sql=BACKWARD),
    ]
