"""A message that is sent by mail."""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Lower, Now, Upper

from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM

# The mailbox behind an address: providers deliver ann+anything@example.com (RFC 5233), and some also a.nn@example.com,
# to ann@example.com.
MAILBOX = Func(
    Lower("recipient"), Value(r"\+[^@]*(?=@)|\.(?=[^@]*@)"), Value(""), Value("g"), function="regexp_replace"
)


class OutgoingMail(models.Model):
    """One message to one recipient: enqueued, then sent or failed.

    `user_id` is not a foreign key: the service that enqueues locks the account if necessary. `context_encrypted` is
    the context of the templates, which may contain one-time tokens; marking the message as sent blanks it. A message
    may be sent from `due_at` on: the worker that claims it moves `due_at` beyond the maximum duration of sending and
    increments `attempts`, so that another worker sends the message only if this one has died. `error` is the
    class of the last error, never its text, which may contain addresses.
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
            GinIndex(OpClass(Upper("recipient"), name="gin_trgm_ops"), name="outgoing_mails_search"),
            models.Index(MAILBOX, name="outgoing_mails_dotless"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
