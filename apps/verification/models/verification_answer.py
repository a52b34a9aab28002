"""An idempotency record."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

REFUSED = '{"valid":false'  # the beginning of the response to a refused call


class VerificationAnswer(models.Model):
    """The stored response, as JSON, to a verification with a `request_id`. A retry with the same id gets it.

    The ids belong to the caller and the key that is verified. `fingerprint` is a digest of the first query.
    """

    pk = models.CompositePrimaryKey("caller", "api_key_id", "request_id")
    caller = models.CharField(max_length=50, db_default="")
    api_key_id = models.BigIntegerField()
    request_id = models.CharField(max_length=100)
    answered_at = models.DateTimeField(db_index=True)
    fingerprint = models.BinaryField(db_default=b"")
    answer = models.TextField()

    class Meta:
        db_table = "verification_answers"
        # Of refused calls, which usage does not have: an allowed call writes no entry.
        indexes: ClassVar = [
            models.Index(
                fields=["request_id"], condition=Q(answer__startswith=REFUSED), name="verification_answers_refused"
            )
        ]

    def __str__(self) -> str:
        return f"{self.caller} {self.api_key_id} {self.request_id}"
