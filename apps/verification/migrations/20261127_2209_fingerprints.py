"""Add the caller of a verification with a request id, and the fingerprint of its query.

The defaults are for workers of the version before, which may still run.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "20261127_2208_create_record_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="verificationanswer",
            name="caller",
            field=models.CharField(db_default="", max_length=50),
        ),
        migrations.AddField(
            model_name="verificationanswer",
            name="fingerprint",
            field=models.BinaryField(db_default=b""),
        ),
    ]
