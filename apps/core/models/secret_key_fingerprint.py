"""The fingerprint of the SECRET_KEY that the database's secrets are encrypted with."""

from typing import ClassVar

from django.db import models


class SecretKeyFingerprint(models.Model):
    """One row, with the id 1: the fingerprint of the key that the last start has used, not the key itself."""

    id = models.SmallIntegerField(primary_key=True)
    fingerprint = models.BinaryField()
    set_at = models.DateTimeField()

    class Meta:
        db_table = "secret_key_fingerprints"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="secret_key_fingerprints_one_row"),
        ]

    def __str__(self) -> str:
        return bytes(self.fingerprint).hex()
