"""Codes for owners who have lost their other factors."""

from django.db import models
from django.db.models.functions import Now

from apps.core.models import OwnedModel


class RecoveryCode(OwnedModel):
    """A code that is valid once. Only its SHA-256 is stored, which is enough for 120 random bits (ASVS 6.5.2)."""

    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recovery_codes"

    def __str__(self) -> str:
        return f"recovery code {self.pk}"
