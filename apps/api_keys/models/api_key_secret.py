"""A secret of an API key."""

from typing import ClassVar

from django.db import models

from apps.api_keys.models.api_key import ApiKey


class ApiKeySecret(models.Model):
    """The SHA-256 digest of a secret and its visible prefix. A rotation sets `expires_at` to the end of the grace
    period."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="secrets")
    digest = models.BinaryField(max_length=32, unique=True)
    prefix = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "api_key_secrets"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            # For searches by the beginning of the prefix, in databases of any collation.
            models.Index(fields=["prefix"], name="api_key_secrets_prefix", opclasses=["text_pattern_ops"]),
            # For the newest secret of a key: without it, PostgreSQL may look for that from the newest of all keys on.
            models.Index(fields=["api_key", "-id"], name="api_key_secrets_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"
