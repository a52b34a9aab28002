"""One secret of a key."""

from typing import ClassVar

from django.db import models

from apps.api_keys.models.api_key import ApiKey


class ApiKeySecret(models.Model):
    """The SHA-256 of a secret and the part of it that may be shown. `expires_at` is set when a rotation has replaced
    it: the end of its grace."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="secrets")
    digest = models.BinaryField(max_length=32, unique=True)
    prefix = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "api_key_secrets"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.prefix}…"
