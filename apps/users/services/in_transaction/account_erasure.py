"""Erases the personal data of deleted accounts after their grace period."""

from collections.abc import Sequence

from django.conf import settings

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import OPERATOR
from apps.users.models import User
from apps.users.repositories.erasure_repository import ErasureRepository


class AccountErasure:
    """Finds accounts that are due for erasure, and erases them in the caller's transaction."""

    def __init__(self, deleted: ErasureRepository, audit: AuditTrail) -> None:
        self._deleted = deleted
        self._audit = audit

    async def due(self, after: User | None) -> Sequence[User]:
        """Return up to a thousand due accounts, in order of deletion; with `after`, those after this one.

        Also works without an open transaction.
        """
        return await self._deleted.due(settings.ERASE_AFTER_DAYS, after)

    async def lock_due(self, user_id: int) -> User | None:
        """Lock a due account and return it; None when it is no longer due, or another transaction is erasing it."""
        return await self._deleted.lock_due(user_id, settings.ERASE_AFTER_DAYS)

    async def erase(self, user: User) -> None:
        """Replace the personal data in the locked account's own row, after all that belongs to it was erased."""
        name = erased_name(user.pk)
        await self._deleted.erase(user, name, f"{name}@erased.invalid")
        await self._audit.record(AuditEntry(OPERATOR, "user.erased", "user", user.pk))


def erased_name(user_id: int) -> str:
    """Return the user name of an erased account."""
    return f"erased-{user_id}"
