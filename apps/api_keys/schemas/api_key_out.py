"""A key, as clients see it."""

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Literal, Self

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount, Timestamp
from apps.core.security.scopes import effective_scopes, withheld_scopes
from apps.plans.schemas import RateLimitOut

if TYPE_CHECKING:
    from apps.api_keys.models import ApiKey

# Of the fields, those that are not the key's just as they are.
JUDGED = frozenset({"id", "scopes", "withheld_scopes"})


class ApiKeyOut(ResponseSchema):
    """A key without its secret; `prefix` is the part of the newest secret that may be shown.

    `rate_limits` are the key's own windows, beside or instead of its plan's. `budget` is how many credits it may spend
    in its life, `budget_spent` how many it has. `scopes` are what it may do now; `withheld_scopes` are on it too, and
    do not count, because its owner does not hold them.
    """

    id: int
    user_id: int
    name: str
    description: str
    prefix: str
    environment: Literal["live", "test"]
    scopes: list[str]
    withheld_scopes: list[str]
    ip_allowlist: list[str]
    metadata: dict[str, Any]
    rate_limits: list[RateLimitOut]
    budget: Amount | None
    budget_spent: Amount
    is_active: bool
    expires_at: Timestamp | None
    last_used_at: Timestamp | None
    revoked_at: Timestamp | None
    revoked_reason: str
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, key: "ApiKey", held: AbstractSet[str], **more: Any) -> Self:
        """Return the public face of a key whose owner holds `held`; what `_as_shown` annotates must be there."""
        names = (name for name in ApiKeyOut.model_fields if name not in JUDGED)
        return cls(
            id=key.pk,
            scopes=effective_scopes(key.scopes, held),
            withheld_scopes=withheld_scopes(key.scopes, held),
            **{name: getattr(key, name) for name in names},
            **more,
        )


class ApiKeyWithSecret(ApiKeyOut):
    """A key with its secret in clear, shown this once."""

    api_key: str
