"""Passkeys: key pairs with the private half on the owner's devices."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now

from apps.core.models import OwnedModel


class Passkey(OwnedModel):
    """A WebAuthn credential. `user_handle` is the account's random name on authenticators, the same on all of them.

    `sign_count` only grows; authenticators that do not count send 0 each time. `aaguid` identifies the authenticator's
    model. `is_backup_eligible` is whether the passkey can be copied to other devices, `is_backed_up` whether it was.
    """

    user_handle = models.BinaryField(max_length=64)
    name = models.CharField(max_length=100)
    credential_id = models.BinaryField(max_length=1023, unique=True)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField()
    transports = ArrayField(models.CharField(max_length=20), default=list, db_default=Value([]))
    aaguid = models.UUIDField()
    is_backup_eligible = models.BooleanField()
    is_backed_up = models.BooleanField()
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "passkeys"

    def __str__(self) -> str:
        return self.name
