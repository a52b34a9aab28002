"""Let the person who asked for credits withdraw the request. The table is small: it has large postings alone."""

from django.db import migrations, models

STATES = [
    ("pending", "Pending"),
    ("approved", "Approved"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
    ("expired", "Expired"),
]
WITHDRAWN_ARE_EXPIRED = "UPDATE credit_approvals SET state = 'expired' WHERE state = 'withdrawn'"


class Migration(migrations.Migration):
    dependencies = [("credits", "20261128_0131_create_credit_approvals")]

    operations = [
        migrations.AlterField(
            model_name="creditapproval",
            name="state",
            field=models.CharField(choices=STATES, db_default="pending", max_length=10),
        ),
        migrations.RemoveConstraint(model_name="creditapproval", name="credit_approvals_decided"),
        migrations.AddConstraint(
            model_name="creditapproval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_by", None), ("state__in", ["pending", "withdrawn", "expired"])),
                    models.Q(("decided_by__isnull", False), ("state__in", ["approved", "refused"])),
                    _connector="OR",
                ),
                name="credit_approvals_decided",
            ),
        ),
        # Without this migration, no request is withdrawn; one that was may not be approved either.
        migrations.RunSQL(migrations.RunSQL.noop, WITHDRAWN_ARE_EXPIRED),
    ]
