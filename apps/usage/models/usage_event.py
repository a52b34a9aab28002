"""An allowed call."""

from django.db import models


class UsageEvent(models.Model):
    """The usage of one allowed call. Partitioned by month of `occurred_at`, so that whole months can be dropped.

    The ids are not foreign keys, whose checks would slow down verification; rows of accounts and keys are never deleted
    from the database. `cost` is in credits, charged by the ledger entry `credit_transaction_id`, which is null when the
    call is free; `weight` counted against the rate limits.
    """

    pk = models.CompositePrimaryKey("occurred_at", "id")
    id = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    user_id = models.BigIntegerField()
    api_key_id = models.BigIntegerField()
    cost = models.DecimalField(max_digits=20, decimal_places=6)
    weight = models.IntegerField()
    credit_transaction_id = models.BigIntegerField(null=True)
    tag = models.CharField(max_length=100, blank=True, default="")
    request_id = models.CharField(max_length=100)

    class Meta:
        db_table = "usage_events"
        # No index of keys: it would be written at each call, and a customer has few keys.
        indexes = (models.Index(fields=["user_id", "occurred_at"], name="usage_events_user"),)

    def __str__(self) -> str:
        return f"{self.api_key_id} at {self.occurred_at}"
