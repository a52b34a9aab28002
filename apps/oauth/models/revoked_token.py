"""A token that was called back before its end."""

from django.db import models
from django.db.models.functions import Now


class RevokedToken(models.Model):
    """The id (`jti`) of a client's access token that counts no more, kept until the token would have ended anyway."""

    token_id = models.CharField(max_length=43, primary_key=True)
    revoked_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "revoked_tokens"

    def __str__(self) -> str:
        return self.token_id
