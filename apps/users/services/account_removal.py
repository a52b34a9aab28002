"""Deletes accounts, and restores them within the grace period."""

from django.conf import settings
from django.utils import timezone

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import CUSTOMERS_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.entity_tags import ANY_VERSION, Precondition
from apps.mail.domain.message import MailMessage
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.one_time_tokens.services.in_transaction.one_time_tokens import AccountTokens
from apps.users.repositories.erasure_repository import ErasureRepository
from apps.users.repositories.user_repository import UserRepository
from apps.users.schemas.user import UserOut
from apps.users.services.credentials import Credentials, require_admissible_by
from apps.users.services.in_transaction.accounts import lock_removable

MESSAGE_KIND = "account_deleted"


class AccountRemoval:
    """Deletes and restores accounts. A deleted account has no valid credential; its ledger stays.

    AccountErasure erases its personal data once ERASE_AFTER_DAYS have passed.
    """

    def __init__(
        self,
        users: UserRepository,
        deleted: ErasureRepository,
        tokens: AccountTokens,
        queue: MessageQueue,
        audit: AuditTrail,
    ) -> None:
        self._users = users
        self._deleted = deleted
        self._tokens = tokens
        self._queue = queue
        self._audit = audit

    async def delete(
        self, actor: Principal, user_id: int, if_match: Precondition = ANY_VERSION, message: str = ""
    ) -> None:
        """Delete the account softly, end its sessions, void its links, and notify its owner by mail.

        The mail has the message of staff. An owner's own is not sent: their address may be that of another person.
        Deleting one's own account requires recent authentication, so API keys are refused. Staff cannot delete their
        own account. Raises NotAllowed, InsufficientScopes, StepUpRequired, Conflict, NotFound, PreconditionFailed.
        """
        actor.require_writing(user_id, CUSTOMERS_WRITE)
        if user_id == actor.user_id:
            actor.require_recent_authentication()
        changes = {"deleted_at": timezone.now(), "is_active": False}
        async with transaction():
            user = await lock_removable(actor, user_id, self._users)
            if if_match.is_conditional:
                if_match.require(UserOut.of(await self._users.get(user_id)))
            before = {name: getattr(user, name) for name in changes}
            await self._users.update(user, changes, ends_sessions=True)
            await self._audit.record(AuditEntry(actor, "user.deleted", "user", user_id, before, changes))
            await self._tokens.void_all(user_id)
            key = f"{MESSAGE_KIND}:{user_id}:{changes['deleted_at']}"
            told = "" if user_id == actor.user_id else message
            context = {"days": str(settings.ERASE_AFTER_DAYS), "message": told}
            await self._queue.enqueue(MailMessage(MESSAGE_KIND, user.email, key, user_id, context))

    async def restore(self, actor: Principal, user_id: int) -> UserOut:
        """Restore the account; its keys are valid again, its sessions and links are not.

        Raises NotAllowed, InsufficientScopes, StepUpRequired for an account of staff, NotFound when the account is not
        deleted or has been erased, Conflict when another account has its address or user name.
        """
        actor.require_scope(CUSTOMERS_WRITE)
        async with transaction():
            user = await self._deleted.lock(user_id)
            await require_admissible_by(actor, Credentials.of(user), self._users)
            await self._deleted.restore(user)
            await self._audit.record(AuditEntry(actor, "user.restored", "user", user_id, after={"is_active": True}))
            return UserOut.of(await self._users.get(user_id))
