"""A sign-in on one device."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now

from apps.core.models import OwnedModel, TimestampedModel


class Session(OwnedModel, TimestampedModel):
    """A sign-in to the API or to the admin. Operations that end sessions end both kinds.

    A session of the API is a family of refresh tokens. Each token names the family and a generation, of which the
    current one is valid. A token that was spent recently may be retried: the one before the current one was spent
    at `rotated_at`, those before it at `earlier_rotations`, of which only recent times are kept. Any other spent
    token revokes the whole family. No token is stored, not even hashed. A session of the admin has no tokens: a
    browser's session names it, and its family's digest is random.

    It expires at `expires_at`, which each use extends, up to a maximum after `created_at`. `methods` are those by which
    its owner has authenticated (RFC 8176: pwd, otp, …), last at `authenticated_at`. That is null where another provider
    has authenticated the owner and does not say when: such a session has not been authenticated recently.
    """

    class Kind(models.TextChoices):
        """The application that the session signs in to."""

        API = "api", "API"
        ADMIN = "admin", "Admin"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.API, db_default=Kind.API.value)
    family_digest = models.BinaryField(max_length=32, unique=True)
    generation = models.PositiveIntegerField(default=0)
    rotated_at = models.DateTimeField(null=True)
    earlier_rotations = ArrayField(models.DateTimeField(), default=list, db_default=Value([]))
    # By the database's clock, like `sessions_ended_at` of the account, with which it is compared.
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    methods = ArrayField(models.CharField(max_length=10), default=list, db_default=Value([]))
    authenticated_at = models.DateTimeField(db_default=Now(), null=True)
    user_agent = models.CharField(max_length=300, blank=True, default="")
    ip_address = models.GenericIPAddressField(null=True)
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=50, blank=True, default="")

    class Meta:
        db_table = "sessions"
        indexes: ClassVar = [models.Index(fields=["user", "-id"], name="sessions_user")]

    def __str__(self) -> str:
        return f"session {self.pk}"
