"""The API key that a customer's program presents."""

from functools import reduce
from operator import and_
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Now, Upper

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
            # For searches of staff, by a part of the metadata.
            GinIndex(fields=["metadata"], name="api_keys_metadata", opclasses=["jsonb_path_ops"]),
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="api_keys_search"),
            # For lists of staff by state: few keys of many are in these.
            models.Index(fields=["id"], condition=Q(deleted_at__isnull=False), name="api_keys_deleted"),
            models.Index(fields=["id"], condition=Q(revoked_at__isnull=False), name="api_keys_revoked"),
            models.Index(fields=["id"], condition=Q(is_active=False), name="api_keys_disabled"),
            models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="api_keys_expiring"),
            models.Index(fields=["id"], condition=Q(environment="test"), name="api_keys_of_tests"),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="api_keys_parent"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(budget__gte=0), name="api_keys_budget_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name


# In the order in which verification decides: the first that holds is the key's state. Deleted owners count as
# suspended.
_STATES = (
    (ApiKey.State.DELETED, Q(deleted_at__isnull=False)),
    (ApiKey.State.REVOKED, Q(revoked_at__isnull=False)),
    (ApiKey.State.DISABLED, Q(is_active=False)),
    (ApiKey.State.EXPIRED, Q(expires_at__lte=Now())),
    (
        ApiKey.State.OWNER_SUSPENDED,
        Q(user__is_active=False) | Q(user__deleted_at__isnull=False) | Q(user__locked_until__gt=Now()),
    ),
    (ApiKey.State.ACTIVE, Q()),
)


def key_state() -> Case:
    """Return the expression for a key's `State` now, by the database's clock."""
    *others, (otherwise, _) = _STATES
    cases = (When(condition, then=Value(state)) for state, condition in others)
    return Case(*cases, default=Value(otherwise), output_field=models.CharField())


def has_state(state: str) -> Q:
    """Return the condition that a key has the `State` now.

    Indexes serve it, unlike a comparison with `key_state()`.
    """
    position = [each for each, _ in _STATES].index(ApiKey.State(state))
    earlier = (~condition for _, condition in _STATES[:position])
    return reduce(and_, earlier, _STATES[position][1])
