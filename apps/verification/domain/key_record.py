"""A key, as the decision sees it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Self

from apps.core.authorization.scopes import effective_scopes, held_scopes


class KeyRecord(NamedTuple):
    """A key by one of its secrets, with its owner and what both have left. The fields are the columns of `records`, in
    order.

    `secret_expires_at` is the end of a rotation's grace. `metadata`, `rate_limits`, `plan_rate_limits` and `logs`
    are JSON as stored, parsed only where they are needed: most are not, or are the same for many keys.

    `scopes` are what the key effectively has. `role_scopes` are what its owner's roles give; None where the key has no
    scope that depends on it, so that nothing was looked up.
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
    logs: str
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
        """Return the key from its columns as stored, with no more scopes than its owner holds at this moment."""
        stored = cls._make(columns)
        if stored.role_scopes is None:
            return stored
        held = held_scopes(stored.role_scopes, is_staff=stored.owner_is_staff)
        return stored._replace(scopes=effective_scopes(stored.scopes, held))
