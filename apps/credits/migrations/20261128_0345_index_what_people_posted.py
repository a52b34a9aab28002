"""Add up what one member of staff has posted to one customer within a day, without blocking postings."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("credits", "20261128_0330_withdraw_approvals")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS credit_transactions_actor", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="credittransaction",
            index=models.Index(
                condition=models.Q(("actor_id__isnull", False)),
                fields=["user", "actor_id", "occurred_at"],
                name="credit_transactions_actor",
            ),
        ),
    ]
