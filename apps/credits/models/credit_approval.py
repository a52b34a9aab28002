"""A posting that waits for a second person."""

from typing import ClassVar

from django.db import models
from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from apps.credits.models.credit_transaction import CreditTransaction

# Whatever is stored: the clean-up task stores it later.
HAS_EXPIRED = Q(state="pending", expires_at__lte=Now())


def is_in_state(state: str) -> Q:
    """Return the condition that an approval is in the state now."""
    match state:
        case "pending":
            return Q(state="pending", expires_at__gt=Now())
        case "expired":
            return Q(state="expired") | HAS_EXPIRED
        case _:
            return Q(state=state)


class ApprovalManager(models.Manager["CreditApproval"]):
    """Approvals by their state as it is now, by the database's clock."""

    def with_state(self) -> QuerySet["CreditApproval"]:
        """Return all approvals, annotated with their `current_state`."""
        expired = When(HAS_EXPIRED, then=Value("expired"))
        return self.annotate(current_state=Case(expired, default=F("state"), output_field=CharField()))

    def in_state(self, state: str) -> QuerySet["CreditApproval"]:
        """Return the approvals that are in the state, annotated with it."""
        return self.with_state().filter(is_in_state(state))


class CreditApproval(models.Model):
    """A posting above CREDIT_APPROVAL_ABOVE: who asked for it, and what became of it.

    It is posted when it is approved; `transaction_id` is then its ledger entry. A pending one has expired once
    `expires_at` has passed, whether or not the clean-up task has stored that yet. The database refuses that one person
    asks and decides, or is the customer.
    """

    class State(models.TextChoices):
        """What became of it."""

        PENDING = "pending"
        APPROVED = "approved"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"

    user = models.ForeignKey("users.User", on_delete=models.PROTECT, db_index=False, related_name="+")
    type = models.CharField(max_length=20, choices=CreditTransaction.Type)
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    description = models.CharField(max_length=500, blank=True, db_default="")
    reference_id = models.CharField(max_length=100, blank=True, db_default="")
    reason = models.CharField(max_length=500, blank=True, db_default="")
    requested_by = models.ForeignKey("users.User", on_delete=models.PROTECT, db_index=False, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, db_default=State.PENDING.value)
    decided_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True, db_default="")
    # Without a constraint: the ledger is append-only, and no other table decides whether it can be truncated.
    transaction_id = models.BigIntegerField(null=True, unique=True)

    objects: ClassVar[ApprovalManager] = ApprovalManager()

    class Meta:
        db_table = "credit_approvals"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="credit_approvals_user"),
            models.Index(fields=["state", "-id"], name="credit_approvals_state"),
            models.Index(fields=["reference_id"], condition=~Q(reference_id=""), name="credit_approvals_reference"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "reference_id"],
                condition=Q(state="pending") & ~Q(reference_id=""),
                name="credit_approvals_reference_unique",
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="credit_approvals_amount_not_zero"),
            models.CheckConstraint(condition=~Q(requested_by=F("user")), name="credit_approvals_not_own"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("requested_by")) & ~Q(decided_by=F("user")),
                name="credit_approvals_second_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "withdrawn", "expired"], decided_by=None)
                | Q(state__in=["approved", "refused"], decided_by__isnull=False),
                name="credit_approvals_decided",
            ),
            models.CheckConstraint(
                condition=Q(state="approved", transaction_id__isnull=False)
                | ~Q(state="approved") & Q(transaction_id=None),
                name="credit_approvals_posted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.amount}"
