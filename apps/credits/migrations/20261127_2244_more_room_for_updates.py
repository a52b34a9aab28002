"""Leave more room in the pages of `credit_balances`, for new versions of rows beside the old ones.

Existing pages change as their rows do: nothing is rewritten, and no other transaction waits.
"""

from django.db import migrations

FORWARD = "ALTER TABLE credit_balances SET (fillfactor = 25);"
BACKWARD = "ALTER TABLE credit_balances SET (fillfactor = 50);"


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "20261127_2207_create_ledger_entries"),
    ]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
