"""Authenticator apps."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.models import OwnedModel


class TotpDevice(OwnedModel):
    """A secret shared with an authenticator app (RFC 6238). It is a second factor once a first code has confirmed it.

    An account has at most one that is confirmed, and one that awaits its first code. The secret is stored encrypted.
    `last_step` is the time step of the last accepted code: no code of this step or of an earlier one is accepted again.
    """

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
