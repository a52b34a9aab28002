"""The review of an account's keys, by the link in a message."""

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import BIGINT_MAXIMUM, Timestamp
from apps.users.schemas.user import PresentedToken

if TYPE_CHECKING:
    from apps.api_keys.models import ApiKey

NAMED_MAXIMUM = 10


class KeyReview(RequestSchema):
    """The token from the link in the message, or from the response to a password reset."""

    token: PresentedToken


class ReviewedKeyRevoke(KeyReview):
    """The token, and the key to revoke."""

    key_id: Annotated[int, Field(strict=True, ge=1, le=BIGINT_MAXIMUM)]


class ReviewedKey(ResponseSchema):
    """A key that can be used, as its owner recognises it."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: Timestamp
    expires_at: Timestamp | None
    last_used_at: Timestamp | None

    @classmethod
    def of(cls, key: "ApiKey") -> Self:
        """Return the public representation of a row of `ApiKeyRepository`."""
        values: dict[str, Any] = {name: getattr(key, name) for name in cls.model_fields if name != "id"}
        return cls(id=key.pk, **values)


class KeyReviewOut(ResponseSchema):
    """The newest hundred of the account's keys that can be used, and their total number.

    `token` lists and revokes them, at `/auth/api-keys`, for a week or until the password changes.
    """

    token: str
    total: int
    items: list[ReviewedKey]

    def sentence(self, *, shows_names: bool) -> str:
        """Return the first keys by prefix, and by name if it may be shown, and how many others there are."""
        first = self.items[:NAMED_MAXIMUM]
        named = [f"{key.name} ({key.prefix}…)" if shows_names else f"{key.prefix}…" for key in first]
        rest = self.total - len(named)
        return ", ".join([*named, f"and {rest} more"] if rest else named)
