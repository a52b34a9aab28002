"""The response to a request with an idempotency key."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class IdempotentResponse(models.Model):
    """A response that is kept for retries of its request, for a day.

    `digest` identifies the caller and the idempotency key, `fingerprint` the request. The response may contain a secret
    that is shown once, so it is encrypted with a key that needs both SECRET_KEY and the idempotency key, which is not
    stored. It is empty once the secret was shown.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    fingerprint = models.BinaryField(max_length=32)
    response_encrypted = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "idempotent_responses"
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotent_responses_age")]

    def __str__(self) -> str:
        return f"response {self.pk}"
