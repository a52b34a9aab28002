"""A sign-in on one device."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now

from apps.core.models import TimestampedModel


class Session(TimestampedModel):
    """A sign-in, at either door: whatever ends sessions ends those of the API and of the admin alike.

    One of the API is a family of refresh tokens. Each token names the family and a generation; the current generation
    is good. One that was spent a moment ago may be repeated: that before the current one was spent at `rotated_at`,
    those before it at `earlier_rotations`, of which only what still counts is kept. Whatever else was spent revokes the
    whole family. No token is stored, not even hashed. One of the admin has no tokens: a browser's session names it, and
    nobody knows what its family's digest is of.

    It is over at `expires_at`, which use moves on, up to a limit from `created_at` on. `methods` are how its owner has
    proven who they are (RFC 8176: pwd, otp, …), the last time at `authenticated_at`.
    """

    class Kind(models.TextChoices):
        """The door it is for."""

        API = "api", "API"
        ADMIN = "admin", "Admin"

    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.API, db_default=Kind.API.value)
    family_digest = models.BinaryField(max_length=32, unique=True)
    generation = models.PositiveIntegerField(default=0)
    rotated_at = models.DateTimeField(null=True)
    earlier_rotations = ArrayField(models.DateTimeField(), default=list, db_default=Value([]))
    # Compared with the moment that shut an account out: not by the clock of whichever machine signed somebody in.
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    methods = ArrayField(models.CharField(max_length=10), default=list, db_default=Value([]))
    authenticated_at = models.DateTimeField(db_default=Now())
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
