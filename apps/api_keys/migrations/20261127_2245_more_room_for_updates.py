"""Leave more room in the pages of `api_key_counters`, for new versions of rows beside the old ones.

Existing pages change as their rows do: nothing is rewritten, and no other transaction waits.
"""

from django.db import migrations

FORWARD = "ALTER TABLE api_key_counters SET (fillfactor = 25);"
BACKWARD = "ALTER TABLE api_key_counters SET (fillfactor = 50);"


class Migration(migrations.Migration):
    dependencies = [
        ("api_keys", "20261127_2208_lock_balances_before_counters"),
    ]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
