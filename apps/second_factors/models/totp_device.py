"""A program that shows one-time codes."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class TotpDevice(models.Model):
    """A secret shared with an authenticator program (RFC 6238); it counts once a code of it has confirmed it.

    An account has one that is confirmed at most, and one that waits for it. The secret is stored encrypted.
    `last_step` is the time step of the last code that was accepted: no code of it or of one before is accepted again.
    """

    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    secret_encrypted = models.BinaryField()
    last_step = models.BigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    confirmed_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "totp_devices"
        verbose_name = "TOTP device"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(confirmed_at__isnull=False), name="totp_devices_one_confirmed"
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(confirmed_at__isnull=True), name="totp_devices_one_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"TOTP device {self.pk}"
