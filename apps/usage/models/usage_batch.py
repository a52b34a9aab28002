"""The allowed calls of one batch of verifications."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class UsageBatch(models.Model):
    """What one batch of verifications used and charged, in one row, until it is expanded.

    Verification inserts it in the transaction that decides: a row of arrays costs a fraction of a row for each call.
    The background job `usage-expansion` deletes it, and the database then inserts its calls and ledger entries, by a
    trigger: no row is changed, and none is deleted without them. `UsageRecord` and `LedgerEntry` show them either way.

    The first four arrays and `request_ids` have an element for each call, the others one for each customer who pays.
    The nth call becomes the usage event `id + n - 1`: the ids come from the sequence of usage events, whose increment
    is larger than a batch. The ids of ledger entries are drawn while the balances are locked, so the order of ids is
    the order in which each balance moved.
    """

    id = models.BigIntegerField(primary_key=True)
    occurred_at = models.DateTimeField()
    user_ids = ArrayField(models.BigIntegerField())
    api_key_ids = ArrayField(models.BigIntegerField())
    costs = ArrayField(models.DecimalField(max_digits=20, decimal_places=6))
    weights = ArrayField(models.IntegerField())
    request_ids = ArrayField(models.TextField())
    tags = ArrayField(models.TextField(), null=True)  # null when no call has one
    debited_ids = ArrayField(models.BigIntegerField())
    amounts = ArrayField(models.DecimalField(max_digits=20, decimal_places=6))
    balances_after = ArrayField(models.DecimalField(max_digits=20, decimal_places=6))
    entry_ids = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "usage_batches"

    def __str__(self) -> str:
        return f"batch at {self.occurred_at}"
