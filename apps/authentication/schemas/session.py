"""Sessions in requests and responses."""

from enum import StrEnum
from typing import TYPE_CHECKING, Self

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import Timestamp

if TYPE_CHECKING:
    from apps.authentication.models import Session


class SessionKind(StrEnum):
    """The application that the session signs in to."""

    API = "api"
    ADMIN = "admin"


class SessionOut(ResponseSchema):
    """A session. `is_current` marks the session of this request; `expires_at` is when it expires if it stays unused.

    `methods` are the methods with which its owner has authenticated (RFC 8176), last at `authenticated_at`. It is null
    where a provider has authenticated the owner and does not say when.
    """

    id: int
    kind: SessionKind
    user_agent: str
    ip_address: str | None
    is_current: bool
    created_at: Timestamp
    last_used_at: Timestamp
    expires_at: Timestamp
    methods: list[str]
    authenticated_at: Timestamp | None

    @classmethod
    def of(cls, session: "Session", current_id: int | None) -> Self:
        """Return the public representation of the session; `current_id` is the id of the caller's session."""
        return cls(
            id=session.pk,
            kind=SessionKind(session.kind),
            user_agent=session.user_agent,
            ip_address=session.ip_address,
            is_current=session.pk == current_id,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            methods=session.methods,
            authenticated_at=session.authenticated_at,
        )


class SessionsEndQuery(RequestSchema):
    """Whether the current session ends too."""

    everywhere: bool = False


class SessionsEnded(ResponseSchema):
    """The number of sessions that were ended."""

    sessions: int
