"""Confirms and cancels changes of an account's address."""

from typing import Literal

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import owner_of
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, InvalidToken, NotFound, ValidationFailed
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.users.models import User
from apps.users.repositories.account_repository import AccountRepository
from apps.users.repositories.pending_email_repository import PendingEmailRepository
from apps.users.services.in_transaction.email_changes import NEW, OLD, EmailChangeTokens, EmailReplacement
from apps.users.services.link_passwords import LinkPasswords, require_same_password

Progress = Literal["pending", "changed"]


class EmailChange:
    """Confirms and cancels changes that EmailChangeRequests has begun, by the links in the messages."""

    def __init__(
        self,
        accounts: AccountRepository,
        pending: PendingEmailRepository,
        tokens: EmailChangeTokens,
        replacement: EmailReplacement,
        audit: AuditTrail,
        passwords: LinkPasswords,
    ) -> None:
        self._passwords = passwords
        self._accounts = accounts
        self._pending = pending
        self._tokens = tokens
        self._replacement = replacement
        self._audit = audit

    async def confirm(self, token: str, password: str | None = None) -> Progress:
        """Record that one address has confirmed, and change the address when both have.

        The new address needs the account's password, as `EmailVerification.verify` does and for the same reason. Raises
        InvalidToken, WrongPassword, and ValidationFailed when the password is missing.
        """
        old = await self._tokens.old.find(token)
        if old is not None and old.user_id is not None:
            return await self._confirm(self._tokens.old, token, old.user_id, OLD)
        if await self._tokens.new.find(token) is None:
            raise InvalidToken
        if password is None:
            raise ValidationFailed.of("password", "Enter the password of your account.")
        user_id, checked_digest = await self._passwords.check(self._tokens.new, token, password)
        return await self._confirm(self._tokens.new, token, user_id, NEW, checked_digest)

    async def cancel(self, token: str) -> None:
        """Cancel the change, by the link in the message to the old address; raises InvalidToken."""
        found = await self._tokens.cancel.find(token)
        if found is None or found.user_id is None:
            raise InvalidToken
        async with transaction():
            user = await self._spend(self._tokens.cancel, token, found.user_id)
            await self._pending.end(user)
            await self._tokens.void(user.pk)
            await self._audit.record(AuditEntry(owner_of(user.pk), "user.email_change_cancelled", "user", user.pk))

    async def _confirm(
        self, tokens: OneTimeTokens, token: str, user_id: int, side: str, checked_digest: str | None = None
    ) -> Progress:
        async with transaction():
            user = await self._spend(tokens, token, user_id)
            if checked_digest is not None:
                require_same_password(user, checked_digest)
            if user.pending_email_confirmed_by in ("", side):
                await self._pending.confirm(user, side)
                return "pending"
            try:
                await self._pending.move(user, user.pending_email, is_verified=True)
            except Conflict:
                raise InvalidToken from None
            await self._audit.record(AuditEntry(owner_of(user_id), "user.email_changed", "user", user_id))
            await self._replacement.announce(user_id, user.email)
        return "changed"

    async def _spend(self, tokens: OneTimeTokens, token: str, user_id: int) -> User:
        """Lock the account and spend the token; raises InvalidToken, also if another address is now pending."""
        try:
            user = await self._accounts.lock(user_id)
        except NotFound:
            raise InvalidToken from None
        spent = await tokens.spend(token)
        if spent is None or not await self._pending.is_pending(user, spent.data["email"]):
            raise InvalidToken
        return user
