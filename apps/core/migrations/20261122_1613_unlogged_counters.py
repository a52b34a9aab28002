"""Make the table of rate-limit counters unlogged: losing the counts in a crash is acceptable."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "20261122_1600_create_core")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE rate_limit_counters SET UNLOGGED",
            reverse_sql="ALTER TABLE rate_limit_counters SET LOGGED",
        ),
    ]
