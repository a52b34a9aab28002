"""Count refused calls by detail too. Until the next migration the primary key is the old one."""

from django.db import migrations, models

# Concurrently: workers go on counting.
FORWARD = """
CREATE UNIQUE INDEX CONCURRENTLY denials_pkey ON usage_denials (api_key_id, minute_at, code, detail);
"""
BACKWARD = "DROP INDEX CONCURRENTLY denials_pkey;"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("usage", "20261127_2206_create_usage_batches")]

    operations = [
        migrations.AddField(
            model_name="usagedenial",
            name="detail",
            field=models.CharField(blank=True, db_default="", max_length=100),
        ),
        migrations.RunSQL(FORWARD, reverse_sql=BACKWARD),
    ]
