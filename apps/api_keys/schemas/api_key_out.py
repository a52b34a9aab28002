"""A key, as clients see it."""

from typing import TYPE_CHECKING, Any, Literal, Self

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp

if TYPE_CHECKING:
    from apps.api_keys.models import ApiKey


class ApiKeyOut(ResponseSchema):
    """A key without its secret; `prefix` is the part of the newest secret that may be shown."""

    id: int
    user_id: int
    name: str
    description: str
    prefix: str
    environment: Literal["live", "test"]
    scopes: list[str]
    ip_allowlist: list[str]
    metadata: dict[str, Any]
    is_active: bool
    expires_at: Timestamp | None
    last_used_at: Timestamp | None
    revoked_at: Timestamp | None
    revoked_reason: str
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, key: "ApiKey", **more: Any) -> Self:
        """Return the key's public face; `key.prefix` must be annotated."""
        names = (name for name in ApiKeyOut.model_fields if name != "id")
        return cls(id=key.pk, **{name: getattr(key, name) for name in names}, **more)


class ApiKeyWithSecret(ApiKeyOut):
    """A key with its secret in clear, shown this once."""

    api_key: str
