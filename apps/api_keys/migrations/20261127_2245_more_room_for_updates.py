"""Leave more room in the pages of `api_key_counters`, so that new versions of rows seldom need the old ones removed first.

Pages that are there change as their rows do; nothing is rewritten, and nobody waits.
"""

from django.db import migrations

FORWARD = "ALTER TABLE api_key_counters SET (fillfactor = 25);"
BACKWARD = "ALTER TABLE api_key_counters SET (fillfactor = 50);"


class Migration(migrations.Migration):
    dependencies = [
        ("api_keys", "20261127_2208_lock_balances_before_counters"),
    ]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
