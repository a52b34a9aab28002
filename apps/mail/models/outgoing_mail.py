"""A letter on its way out."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM


class OutgoingMail(models.Model):
    """One letter to one recipient: posted, then sent or given up.

    `user_id` is no foreign key: whoever posts has locked what it wants locked. `context_encrypted` holds what the
    templates need, single-use tokens among it, and is blanked in the statement that marks the letter sent.
    From `due_at` on somebody may send it. Who does moves `due_at` ahead by more than sending can take, and counts
    `attempts`, so nobody else sends meanwhile, and somebody does if the first has died. `error` is the class of the
    last error, never its text, which may hold addresses.
    """

    kind = models.CharField(max_length=50)
    recipient = models.CharField(max_length=EMAIL_LENGTH_MAXIMUM)
    user_id = models.BigIntegerField(null=True)
    key = models.CharField(max_length=200, unique=True)
    context_encrypted = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.IntegerField(db_default=0)
    error = models.CharField(max_length=100, blank=True, default="", db_default="")
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "outgoing_mails"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], name="outgoing_mails_due", condition=Q(sent_at__isnull=True, failed_at__isnull=True)
            ),
            models.Index(fields=["user_id"], name="outgoing_mails_user"),
            models.Index(Lower("recipient"), name="outgoing_mails_recipient"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
