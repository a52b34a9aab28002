"""A key that signs access tokens."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class SigningKey(models.Model):
    """A key pair, as `apps/core/crypto/signing_algorithms.py` writes it, its private half encrypted under SECRET_KEY.

    A key is published and verifies until `retires_at`. The newest key with `signs_at` in the past signs.
    """

    kid = models.CharField(max_length=43, unique=True)
    public_key = models.BinaryField()
    private_key_encrypted = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    signs_at = models.DateTimeField(db_default=Now())
    retires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "signing_keys"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.kid
