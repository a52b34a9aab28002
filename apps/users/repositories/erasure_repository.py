"""Reads and writes deleted accounts."""

from dataclasses import replace
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.database.orm.queries import fetch_all
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import NotFound
from apps.users.models import Invitation, PendingRegistration, User
from apps.users.repositories.old_user_repository import Guard, as_shown, saved
from apps.users.repositories.pending_email_repository import NONE_PENDING

DUE_MAXIMUM = 1000  # at a time


class ErasureRepository:
    """The rows of accounts that are deleted and may not be erased yet."""

    def __init__(self, record_audit: RecordAudit) -> None:
        self._record_audit = record_audit

    async def restore(self, user_id: int, audit: AuditEntry, guard: Guard) -> User:
        """Take back a deletion; raises NotFound, Conflict when something of it is taken, or what `guard` raises."""
        return await run_in_transaction(self._restore, user_id, audit, guard)

    async def due(self, days: int, after: User | None) -> list[User]:
        """Return a thousand that were deleted so many days ago, the first deleted first, then those `after`."""
        found = _due(days) if after is None else _due(days).filter(_comes_after(after))
        return await fetch_all(found.order_by("deleted_at", "id")[:DUE_MAXIMUM])

    def lock_due(self, user_id: int, days: int) -> User | None:
        """Return it, locked in the transaction open on this thread; None when it is due no more, or locked."""
        return _due(days).filter(pk=user_id).select_for_update(skip_locked=True, of=("self",)).first()

    def erase(self, user: User) -> None:
        """Replace the personal data of one that is locked by what is nobody's."""
        PendingRegistration.objects.filter(email__iexact=user.email).delete()
        nobody = f"erased-{user.pk}"
        _invitations_of(user).update(email=f"{nobody}@erased.invalid")
        User.objects.filter(pk=user.pk).update(
            email=f"{nobody}@erased.invalid",
            username=nobody,
            full_name="",
            password=make_password(None),
            last_login=None,
            email_verified_at=None,
            erased_at=Now(),
            updated_at=Now(),
            **NONE_PENDING,
        )

    def _restore(self, user_id: int, audit: AuditEntry, guard: Guard) -> User:
        user = _deleted().select_for_update(of=("self",)).filter(pk=user_id).first()
        if user is None:
            raise NotFound
        guard(user)
        user.deleted_at, user.is_active = None, True
        saved(user, update_fields=["deleted_at", "is_active", "updated_at"])
        self._record_audit(replace(audit, after={"is_active": True}))
        return as_shown(User.objects.select_related("plan")).get(pk=user_id)


def _invitations_of(user: User) -> QuerySet[Invitation]:
    """Return what the account was made by, and what else was sent to its address while it had it."""
    to_address = Q(Exact(Lower("email"), user.email.lower()), user=None, created_at__lt=user.deleted_at)
    return Invitation.objects.filter(Q(user=user) | to_address)


def _comes_after(user: User) -> Q:
    return Q(deleted_at__gt=user.deleted_at) | Q(deleted_at=user.deleted_at, id__gt=user.pk)


def _due(days: int) -> QuerySet[User]:
    return _deleted().filter(deleted_at__lte=Now() - timedelta(days=days))


def _deleted() -> QuerySet[User]:
    return User.objects.select_related("plan").filter(deleted_at__isnull=False, erased_at=None)
