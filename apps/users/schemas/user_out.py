"""An account, as clients see it."""

from typing import TYPE_CHECKING, Any, Self, cast

from django.utils import timezone

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp

if TYPE_CHECKING:
    from apps.users.models import User


def is_email_pending(user: "User") -> bool:
    """Return whether another address of the account waits to be confirmed."""
    return user.pending_email_until is not None and user.pending_email_until > timezone.now()


class UserOut(ResponseSchema):
    """An account without its credentials."""

    id: int
    email: str
    pending_email: str | None
    username: str
    full_name: str
    plan: str
    is_active: bool
    is_staff: bool
    roles: list[str]
    email_verified_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp
    last_login_at: Timestamp | None

    @classmethod
    def of(cls, user: "User") -> Self:
        """Return the account's public face; `user.plan` must be loaded, and `user.role_names` annotated."""
        return cls(
            id=user.pk,
            email=user.email,
            pending_email=user.pending_email if is_email_pending(user) else None,
            username=user.username,
            full_name=user.full_name,
            plan=user.plan.name,
            is_active=user.is_active,
            is_staff=user.is_staff,
            roles=sorted(cast("Any", user).role_names),
            email_verified_at=user.email_verified_at,
            created_at=user.created_at,
            updated_at=user.updated_at,
            last_login_at=user.last_login,
        )
