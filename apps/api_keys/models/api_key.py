"""The API key that a customer's program presents."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Now

from apps.core.models import OwnedModel, TimestampedModel


class ApiKey(OwnedModel, TimestampedModel):
    """A key keeps its id, limits and history when its secret is rotated. Revocation is permanent; `is_active` can be
    switched; `deleted_at` hides the key and stops it, while its history stays.

    `rate_limits` is a list of objects (name, limit, period_seconds): each replaces the plan's rate limit of the same
    name, or is added to the plan's. `budget` is how many credits the key can spend in total, None for no limit.
    """

    class Environment(models.TextChoices):
        """The customer's system that uses the key; part of the secret's visible prefix."""

        LIVE = "live"
        TEST = "test"

    class State(models.TextChoices):
        """Whether the key can be used, or the first reason why not, in the order in which verification decides."""

        ACTIVE = "active"
        DISABLED = "disabled"
        EXPIRED = "expired"
        REVOKED = "revoked"
        OWNER_SUSPENDED = "owner_suspended"
        DELETED = "deleted"

    name = models.CharField(max_length=100)
    description = models.CharField(max_length=1000, blank=True, default="")
    # The key that has created this one.
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="created_keys", null=True, editable=False, db_index=False
    )
    environment = models.CharField(max_length=4, choices=Environment, default=Environment.LIVE)
    scopes = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    ip_allowlist = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    rate_limits = models.JSONField(default=list, blank=True, db_default=Value([], models.JSONField()))
    budget = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "api_keys"
        ordering: ClassVar = ["id"]
        verbose_name = "API key"
        indexes: ClassVar = [
            models.Index(fields=["user", "id"], name="api_keys_user"),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="api_keys_parent"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(budget__gte=0), name="api_keys_budget_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name


def key_state() -> Case:
    """Return the expression for a key's `State` now, by the database's clock. Deleted owners count as suspended."""
    state = ApiKey.State
    return Case(
        When(deleted_at__isnull=False, then=Value(state.DELETED)),
        When(revoked_at__isnull=False, then=Value(state.REVOKED)),
        When(is_active=False, then=Value(state.DISABLED)),
        When(expires_at__lte=Now(), then=Value(state.EXPIRED)),
        When(Q(user__is_active=False) | Q(user__deleted_at__isnull=False), then=Value(state.OWNER_SUSPENDED)),
        When(user__locked_until__gt=Now(), then=Value(state.OWNER_SUSPENDED)),
        default=Value(state.ACTIVE),
        output_field=models.CharField(),
    )
