"""Begins changes of an e-mail address, and completes them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import Principal
from apps.core.errors import TooManyRequests
from apps.mail.domain.message import FIVE_AN_HOUR, ONE_A_MINUTE
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.one_time_tokens.services.in_transaction.one_time_tokens import AccountTokens, OneTimeTokens
from apps.users.models import User
from apps.users.repositories.pending_email_repository import PendingEmailRepository
from apps.users.services.in_transaction.address_messages import (
    TO_NEW,
    TO_OLD,
    EmailChangeMessages,
    VerificationMessages,
)

OLD, NEW = "old", "new"  # the two sides that confirm


class EmailChangeTokens(NamedTuple):
    """The tokens that confirm at the old address, that confirm at the new one, and that cancel."""

    old: OneTimeTokens
    new: OneTimeTokens
    cancel: OneTimeTokens

    async def void(self, user_id: int) -> None:
        """Void the account's tokens of all three kinds."""
        for tokens in self:
            await tokens.void(user_id)


class EmailChangeRequests:
    """Begins changes in the caller's transaction, which has locked the account.

    An old address that was never verified does not have to confirm. Only the message to the new address shows whether
    it has an account.
    """

    def __init__(
        self,
        pending: PendingEmailRepository,
        tokens: EmailChangeTokens,
        messages: EmailChangeMessages,
        queue: MessageQueue,
        audit: AuditTrail,
    ) -> None:
        self._pending = pending
        self._tokens = tokens
        self._messages = messages
        self._queue = queue
        self._audit = audit

    async def begin(self, actor: Principal, user: User, email: str) -> None:
        """Request confirmation from both addresses.

        The account's own address, in any case, is stored at once and cancels a pending change. Raises
        TooManyRequests when the account has begun a change in the last minute or five in the last hour, or the mailbox
        of the new address, or of an old one that is not verified, got five messages in the last hour.
        """
        if email.lower() == user.email.lower():
            await self._pending.move(user, email, is_verified=False)
            await self._tokens.void(user.pk)
            return
        await self._require_allowance(user, email)
        is_taken = await self._pending.is_taken(email)
        confirmed_by = "" if user.email_verified_at else OLD
        await self._pending.begin(user, email, timedelta(seconds=self._tokens.new.ttl_seconds), confirmed_by)
        await self._audit.record(AuditEntry(actor, "user.email_change_asked", "user", user.pk))
        old_token, new_token, cancel_token = [await kind.issue(user.pk, {"email": email}) for kind in self._tokens]
        await self._messages.request_from_new(user.pk, email, new_token, is_taken=is_taken)
        await self._messages.request_from_old(user, old_token, cancel_token)

    async def _require_allowance(self, user: User, email: str) -> None:
        # Messages are counted, not changes: cancelling or confirming a change does not reset the count.
        waits = [
            await self._queue.wait_seconds_for_account(user.pk, TO_OLD, allowance)
            for allowance in (ONE_A_MINUTE, FIVE_AN_HOUR)
        ]
        for address, kinds in _strangers_mailboxes(user, email):
            waits.append(await self._queue.wait_seconds_for_address(address, kinds, FIVE_AN_HOUR))
        if any(waits):
            raise TooManyRequests(retry_after_seconds=max(waits))


def _strangers_mailboxes(user: User, email: str) -> list[tuple[str, Sequence[str]]]:
    """Return the addresses that may be another person's, with the messages to them, in the order of their locks."""
    old = [] if user.email_verified_at else [(user.email, TO_OLD)]
    return sorted([(email, TO_NEW), *old])


class EmailReplacement:
    """Voids links and notifies both addresses, in the caller's transaction, which has locked the account."""

    def __init__(
        self,
        pending: PendingEmailRepository,
        tokens: AccountTokens,
        messages: EmailChangeMessages,
        verification: VerificationMessages,
    ) -> None:
        self._pending = pending
        self._tokens = tokens
        self._messages = messages
        self._verification = verification

    async def announce(self, user: User, actor: Principal | None = None) -> None:
        """Void every link that the old address, that of `user`, may have, and notify both addresses."""
        await self._tokens.void_all(user.pk)
        await self._messages.notify_both(user, actor)

    async def complete_by_staff(self, actor: Principal, user: User, email: str) -> None:
        """Cancel a pending change, notify both addresses, and send the new one a link that verifies it.

        `user` is the account as it was before. Does nothing if only the case of its address has changed.
        """
        if email.lower() == user.email.lower():
            return
        await self._pending.end(user)
        await self.announce(user, actor)
        await self._verification.enqueue(user.pk, email)
