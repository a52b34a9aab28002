"""Identities of account owners at other providers."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from apps.core.models import OwnedModel
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM


class Identity(OwnedModel):
    """A user of a provider who can sign in to the account, identified by `issuer` and `subject`.

    The operator chooses the provider's name and may give it to another provider later, so the issuer is part of the
    identity. `email` is the address at the last sign-in, for display only. No token of the provider is stored.
    `linked_by_owner` is whether the owner has linked it from a session, not a verified address by itself: only these
    identities sign in to accounts of staff.
    """

    provider = models.CharField(max_length=30)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    email = models.CharField(max_length=EMAIL_LENGTH_MAXIMUM, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True)
    linked_by_owner = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "identities"
        verbose_name_plural = "identities"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "issuer", "subject"], name="identities_subject_unique")
        ]
        indexes: ClassVar = [models.Index(fields=["user", "id"], name="identities_user")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.email or self.subject}"
