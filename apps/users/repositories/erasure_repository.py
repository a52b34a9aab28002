"""Reads, restores and erases deleted accounts."""

from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.core.database.orm.queries import fetch_all, fetch_one, lock_one, record_lock
from apps.core.database.orm.writes import update
from apps.core.errors import NotFound
from apps.users.models import User
from apps.users.repositories.pending_email_repository import NOTHING_PENDING
from apps.users.repositories.user_repository import require_free, update_free

DUE_MAXIMUM = 1000  # per query


class ErasureRepository:
    """The rows of accounts that are deleted and not erased."""

    async def lock(self, user_id: int) -> User:
        """Lock the account and return it; raises NotFound."""
        user = await lock_one(_deleted().filter(pk=user_id))
        if user is None:
            raise NotFound
        return user

    async def restore(self, user: User) -> None:
        """Undo the deletion of a locked account; raises Conflict when its address or user name is taken."""
        await require_free(user, {"email": user.email, "username": user.username})
        await update_free(user, {"deleted_at": None, "is_active": True})

    async def due(self, days: int, after: User | None) -> list[User]:
        """Return up to DUE_MAXIMUM accounts that were deleted at least `days` ago, the first deleted first.

        With `after`, those that come after this one.
        """
        found = _due(days) if after is None else _due(days).filter(_comes_after(after))
        return await fetch_all(found.order_by("deleted_at", "id")[:DUE_MAXIMUM])

    async def lock_due(self, user_id: int, days: int) -> User | None:
        """Lock the account and return it; None when it is no longer due, or another transaction has locked it."""
        record_lock(User)
        return await fetch_one(_due(days).filter(pk=user_id).select_for_update(skip_locked=True, no_key=True))

    async def erase(self, user: User, name: str, email: str) -> None:
        """Replace the personal data of a locked account by a placeholder name and address."""
        await update(
            User.objects.filter(pk=user.pk),
            email=email,
            username=name,
            full_name="",
            password=make_password(None),
            last_login=None,
            email_verified_at=None,
            formerly_verified_at=None,
            erased_at=Now(),
            **NOTHING_PENDING,
        )


def _comes_after(user: User) -> Q:
    return Q(deleted_at__gt=user.deleted_at) | Q(deleted_at=user.deleted_at, id__gt=user.pk)


def _due(days: int) -> QuerySet[User]:
    return _deleted().filter(deleted_at__lte=Now() - timedelta(days=days))


def _deleted() -> QuerySet[User]:
    return User.objects.filter(deleted_at__isnull=False, erased_at=None)
