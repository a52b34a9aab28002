"""Reads and writes the pending e-mail addresses of accounts."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.core.database.orm.queries import exists
from apps.core.database.orm.writes import update
from apps.users.models import User
from apps.users.repositories.user_repository import require_free, update_free

NOTHING_PENDING = {"pending_email": "", "pending_email_until": None, "pending_email_confirmed_by": ""}


class PendingEmailRepository:
    """The columns `pending_email…` of locked accounts."""

    async def is_taken(self, email: str) -> bool:
        """Return whether an account has the address."""
        return await exists(User.objects.with_email(email).filter(deleted_at=None))

    async def begin(self, user: User, email: str, lifetime: timedelta, confirmed_by: str) -> None:
        """Store a pending address, to confirm within `lifetime`, and the side that has already confirmed it."""
        await update(
            _row(user),
            pending_email=email,
            pending_email_until=Now() + lifetime,
            pending_email_confirmed_by=confirmed_by,
        )

    async def is_pending(self, user: User, email: str) -> bool:
        """Return whether this is the pending address."""
        return await exists(_row(user).filter(pending_email=email, pending_email_until__gt=Now()))

    async def confirm(self, user: User, side: str) -> None:
        """Store that one side has confirmed."""
        await update(_row(user), pending_email_confirmed_by=side)

    async def end(self, user: User) -> None:
        """Remove the pending address."""
        await update(_row(user), **NOTHING_PENDING)

    async def move(self, user: User, email: str, *, is_verified: bool) -> None:
        """Set the account's address, as verified or not; raises Conflict when it is taken."""
        verified: dict[str, Any] = {"email_verified_at": Now()} if is_verified else {}
        await require_free(user, {"email": email})
        await update_free(user, {"email": email, **verified, **NOTHING_PENDING})


def _row(user: User) -> QuerySet[User]:
    return User.objects.filter(pk=user.pk)
