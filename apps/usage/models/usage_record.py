"""An allowed call, wherever it is stored."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class UsageRecord(models.Model):
    """The usage of one allowed call: a usage event, or a call of a batch that is yet to be expanded. Read-only.

    A view of both, so that every statement sees each committed call once. Columns as in `UsageEvent`, and
    `pending_user_ids`: the customers of the batch, null for a usage event. A reader of one customer's usage asks for
    it too, so that batches of others are skipped as a whole.
    """

    id = models.BigIntegerField(primary_key=True)
    occurred_at = models.DateTimeField()
    user_id = models.BigIntegerField()
    api_key_id = models.BigIntegerField()
    cost = models.DecimalField(max_digits=20, decimal_places=6)
    weight = models.IntegerField()
    credit_transaction_id = models.BigIntegerField(null=True)
    tag = models.CharField(max_length=100)
    request_id = models.CharField(max_length=100)
    pending_user_ids = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        managed = False
        db_table = "usage_records"

    def __str__(self) -> str:
        return f"{self.api_key_id} at {self.occurred_at}"
