"""An entry of the ledger, wherever it is stored."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.credits.models.credit_transaction import CreditTransaction


class LedgerEntry(models.Model):
    """A change of a customer's balance, and the balance after it. Read-only.

    A view of the stored entries (`CreditTransaction`, with the same columns) and those of verification's batches that
    are yet to be expanded, so that every statement sees each committed entry once, under the same id before and after.
    `pending_user_ids` are the customers of the batch, null for a stored entry.
    """

    user = models.ForeignKey("users.User", on_delete=models.DO_NOTHING, related_name="+")
    occurred_at = models.DateTimeField()
    type = models.CharField(max_length=20, choices=CreditTransaction.Type)
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    balance_after = models.DecimalField(max_digits=20, decimal_places=6)
    description = models.CharField(max_length=500)
    reference_id = models.CharField(max_length=100)
    actor_id = models.BigIntegerField(null=True)
    actor_kind = models.CharField(max_length=20)
    pending_user_ids = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        managed = False
        db_table = "ledger_entries"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.type} {self.amount}"
