"""Deleting accounts, restoring them within a grace period, and erasing whose they were after it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.authorization.principal import OPERATOR, Principal
from apps.mail.domain.message import MailMessage, PostLetter
from apps.one_time_tokens.domain.void_tokens import VoidTokens
from apps.users.models import User
from apps.users.repositories.erasure_repository import ErasureRepository
from apps.users.repositories.old_user_repository import OldUserRepository
from apps.users.schemas.user import UserOut
from apps.users.services.staff_rules import may_be_changed_by, may_be_shut_out_by

LETTER_KIND = "account_deleted"


class AccountRemoval:
    """An account that is deleted has no credential from that moment on. Its ledger stays for ever."""

    def __init__(
        self,
        users: OldUserRepository,
        deleted: ErasureRepository,
        void_tokens: VoidTokens,
        post_letter: PostLetter,
        record_audit: RecordAudit,
    ) -> None:
        self._users = users
        self._deleted = deleted
        self._void_tokens = void_tokens
        self._post_letter = post_letter
        self._record_audit = record_audit

    async def delete(self, actor: Principal, user_id: int) -> None:
        """Delete the account softly; its owner is told by mail.

        One's own needs a recent proof of who one is, which no API key has; the account of a member of staff is for
        another to delete. Raises NotAllowed, StepUpRequired, Conflict, NotFound.
        """
        actor.require_writing(user_id)
        if user_id == actor.user_id:
            actor.require_recent_authentication()
        changes = {"deleted_at": timezone.now(), "is_active": False}
        audit = AuditEntry(actor, "user.deleted", "user")
        await self._users.update(user_id, changes, audit, may_be_shut_out_by(actor), self._after_deletion)

    async def restore(self, actor: Principal, user_id: int) -> UserOut:
        """Take back a deletion; the account's keys work again, its sessions and links do not.

        Raises NotAllowed unless the actor is staff, NotFound when the account is not deleted or has been erased,
        Conflict when its address or user name is taken by now.
        """
        actor.require_staff()
        audit = AuditEntry(actor, "user.restored", "user", user_id)
        return UserOut.of(await self._deleted.restore(user_id, audit, may_be_changed_by(actor)))

    async def due(self, after: User | None) -> Sequence[User]:
        """Return a thousand of the accounts whose grace is over, the first deleted first, then those `after`."""
        return await self._deleted.due(settings.ERASE_AFTER_DAYS, after)

    def lock_due(self, user_id: int) -> User | None:
        """Return one of them, locked in the transaction open on this thread; None when somebody else erases it."""
        return self._deleted.lock_due(user_id, settings.ERASE_AFTER_DAYS)

    def erase(self, user: User) -> None:
        """Replace what tells whose a deleted account was, in the transaction open on this thread, for ever."""
        self._deleted.erase(user)
        self._record_audit(AuditEntry(OPERATOR, "user.erased", "user", user.pk))

    def _after_deletion(self, user: User, _before: Mapping[str, Any]) -> None:
        self._void_tokens(user.pk)
        key, context = f"{LETTER_KIND}:{user.pk}:{user.deleted_at}", {"days": str(settings.ERASE_AFTER_DAYS)}
        self._post_letter(MailMessage(LETTER_KIND, user.email, key, user.pk, context))
