"""A secret that is valid once, for one purpose, for a short time."""

from typing import ClassVar

from django.db import models
from django.db.models import Value
from django.db.models.functions import Now


class OneTimeToken(models.Model):
    """Only a digest of the secret is stored. `data` describes what the token allows, without secrets."""

    purpose = models.CharField(max_length=30)
    digest = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    data = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "one_time_tokens"
        indexes: ClassVar = [
            models.Index(fields=["user", "purpose"], name="one_time_tokens_user"),
            models.Index(fields=["expires_at"], name="one_time_tokens_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"
