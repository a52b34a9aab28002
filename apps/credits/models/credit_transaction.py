"""An entry of the ledger."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class CreditTransaction(models.Model):
    """A change of a customer's balance, and the balance after it. Append-only: the database refuses to change it.

    Verification inserts one USAGE entry per customer and batch; the usage events of the batch refer to it.
    `reference_id` names what the entry is for, such as an invoice. Each reference is posted once per customer.
    """

    class Type(models.TextChoices):
        """The kind of the entry: sold, given away, given back, corrected, or spent."""

        TOP_UP = "top_up", "Top-up (sold)"
        GOODWILL = "goodwill", "Goodwill"
        REFUND = "refund", "Refund"
        ADJUSTMENT = "adjustment", "Adjustment"
        USAGE = "usage", "Usage"

    # Without a constraint in the database: its check would lock the account's row at every batch. Accounts are never
    # deleted from it.
    user = models.ForeignKey(
        "users.User", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    occurred_at = models.DateTimeField(db_default=Now())
    type = models.CharField(max_length=20, choices=Type)
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    balance_after = models.DecimalField(max_digits=20, decimal_places=6)
    description = models.CharField(max_length=500, blank=True, db_default="")
    reference_id = models.CharField(max_length=100, blank=True, db_default="")
    actor_id = models.BigIntegerField(null=True)
    actor_kind = models.CharField(max_length=20, blank=True, db_default="")

    class Meta:
        db_table = "credit_transactions"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="credit_transactions_user"),
            # For staff who search for an invoice number. Usage has no references: verification never writes to it.
            models.Index(fields=["reference_id"], condition=~Q(reference_id=""), name="credit_transactions_reference"),
            # For what one member of staff has posted to one customer lately. Usage has no actor either.
            models.Index(
                fields=["user", "actor_id", "occurred_at"],
                condition=Q(actor_id__isnull=False),
                name="credit_transactions_actor",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "reference_id"],
                condition=~Q(reference_id=""),
                name="credit_transactions_reference_unique",
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="credit_transactions_amount_not_zero"),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="credit_transactions_balance_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.amount}"
