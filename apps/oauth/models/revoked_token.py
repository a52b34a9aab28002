"""A token that was revoked before it expired."""

from django.db import models
from django.db.models.functions import Now


class RevokedToken(models.Model):
    """The id (`jti`) of a client's revoked access token, kept until the token would have expired."""

    token_id = models.CharField(max_length=43, primary_key=True)
    revoked_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "revoked_tokens"

    def __str__(self) -> str:
        return self.token_id
