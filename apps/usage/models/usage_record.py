"""An allowed call, wherever it is stored."""

from django.db import models


class UsageRecord(models.Model):
    """The usage of one allowed call: a usage event, or a call of a batch that is yet to be expanded. Read-only.

    A view of both, so that every statement sees each committed call once. Columns as in `UsageEvent`.
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

    class Meta:
        managed = False
        db_table = "usage_records"

    def __str__(self) -> str:
        return f"{self.api_key_id} at {self.occurred_at}"
