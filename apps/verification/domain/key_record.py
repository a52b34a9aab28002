"""The row of an API key on which its queries are decided."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Self

from apps.core.authorization.scopes import effective_scopes, held_scopes


class KeyRecord(NamedTuple):
    """A key, found by one of its secrets, with its counters, owner, plan and balance. The fields are the columns of the
    statement `records`, in order.

    `secret_expires_at` is the end of a rotation's grace period. `metadata`, `rate_limits`, `plan_rate_limits` and
    `counters` are stored JSON, parsed only if needed: most are not needed, or are the same for many keys.

    `scopes` are the effective ones. `role_scopes` are those of the owner's roles, or None if no scope of the key
    depends on them, so that they were not loaded.
    """

    digest: bytes
    secret_expires_at: datetime | None
    key_id: int
    name: str
    environment: str
    scopes: list[str]
    ip_allowlist: list[str]
    metadata: str
    rate_limits: str
    budget: Decimal | None
    is_active: bool
    revoked_at: datetime | None
    expires_at: datetime | None
    counters: str
    budget_spent: Decimal
    last_used_at: datetime | None
    user_id: int
    owner_is_active: bool
    owner_locked_until: datetime | None
    owner_is_staff: bool
    owner_is_superuser: bool
    plan: str
    plan_rate_limits: str
    balance: Decimal
    role_scopes: list[str] | None

    @classmethod
    def of(cls, columns: Sequence[Any]) -> Self:
        """Return the key from its columns, with its effective scopes: only those that its owner holds now."""
        stored = cls._make(columns)
        if stored.role_scopes is None:
            return stored
        held = held_scopes(stored.role_scopes, is_staff=stored.owner_is_staff, is_superuser=stored.owner_is_superuser)
        return stored._replace(scopes=effective_scopes(stored.scopes, held))
