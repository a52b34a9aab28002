"""Leave more room in the pages of `credit_balances`, so that new versions of rows seldom need the old ones removed first.

Pages that are there change as their rows do; nothing is rewritten, and nobody waits.
"""

from django.db import migrations

FORWARD = "ALTER TABLE credit_balances SET (fillfactor = 25);"
BACKWARD = "ALTER TABLE credit_balances SET (fillfactor = 50);"


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "20261127_2207_create_ledger_entries"),
    ]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
