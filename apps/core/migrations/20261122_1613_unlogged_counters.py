"""Take the rate limit counters out of the write-ahead log: they are worth less than a crash costs."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "20261122_1600_create_core")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE rate_limit_counters SET UNLOGGED",
            reverse_sql="ALTER TABLE rate_limit_counters SET LOGGED",
        ),
    ]
