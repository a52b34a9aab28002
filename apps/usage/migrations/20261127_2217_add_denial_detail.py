"""Count refused calls by detail too. Until the next migration the primary key is the old one."""

from django.db import migrations, models

# Not one transaction, so that workers go on counting: each statement can be repeated after a start that was cut short.
COLUMN = "ALTER TABLE usage_denials ADD COLUMN IF NOT EXISTS detail varchar(100) DEFAULT '' NOT NULL"
COLUMN_BACKWARD = "ALTER TABLE usage_denials DROP COLUMN IF EXISTS detail"
DROP_INVALID = "DROP INDEX CONCURRENTLY IF EXISTS denials_pkey"
INDEX = "CREATE UNIQUE INDEX CONCURRENTLY denials_pkey ON usage_denials (api_key_id, minute_at, code, detail)"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("usage", "20261127_2206_create_usage_batches")]

    operations = [
        migrations.RunSQL(
            COLUMN,
            reverse_sql=COLUMN_BACKWARD,
            state_operations=[
                migrations.AddField(
                    model_name="usagedenial",
                    name="detail",
                    field=models.CharField(blank=True, db_default="", max_length=100),
                ),
            ],
        ),
        migrations.RunSQL(DROP_INVALID, migrations.RunSQL.noop),
        migrations.RunSQL(INDEX, reverse_sql=DROP_INVALID),
    ]
