"""An idempotency record."""

from django.db import models


class VerificationAnswer(models.Model):
    """The stored response, as JSON, to a verification with a `request_id`. A retry with the same id gets it."""

    pk = models.CompositePrimaryKey("api_key_id", "request_id")
    api_key_id = models.BigIntegerField()
    request_id = models.CharField(max_length=100)
    answered_at = models.DateTimeField(db_index=True)
    answer = models.TextField()

    class Meta:
        db_table = "verification_answers"

    def __str__(self) -> str:
        return f"{self.api_key_id} {self.request_id}"
