"""Changing an account's address, confirmed at the old one and at the new one."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.authorization.principal import Principal, owner_of
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import Conflict, InvalidToken, NotFound
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.users.models import User
from apps.users.repositories.old_user_repository import OldUserRepository
from apps.users.repositories.pending_email_repository import PendingEmailRepository
from apps.users.services.email_change_letters import EmailChangeLetters
from apps.users.services.email_change_limits import EmailChangeLimits

OLD, NEW = "old", "new"
Progress = Literal["pending", "changed"]


class EmailChangeTokens(NamedTuple):
    """The tokens that confirm at the old address, at the new one, and that cancel."""

    old: OneTimeTokens
    new: OneTimeTokens
    cancel: OneTimeTokens


class EmailChange:
    """Begins, confirms and cancels changes. An old address that was never verified confirms nothing, and need not.

    Whether the new address has an account shows in the letter to it and nowhere else. Lock order: the account first.
    """

    def __init__(
        self,
        users: OldUserRepository,
        pending: PendingEmailRepository,
        tokens: EmailChangeTokens,
        letters: EmailChangeLetters,
        limits: EmailChangeLimits,
        record_audit: RecordAudit,
    ) -> None:
        self._users = users
        self._pending = pending
        self._tokens = tokens
        self._letters = letters
        self._limits = limits
        self._record_audit = record_audit

    def begin(self, actor: Principal, email: str, user: User, _before: Mapping[str, Any]) -> None:
        """Ask both addresses, in the transaction that is open on this thread and has locked the account.

        The account's own address, in whatever case, is taken at once, and ends a change that was begun. Raises
        TooManyRequests as `EmailChangeLimits` does.
        """
        if email.lower() == user.email.lower():
            self._pending.move(user, email, is_verified=False)
            self._void(user.pk)
            return
        self._limits.require(user.pk, email)
        is_taken = self._pending.is_taken(email)
        confirmed_by = "" if user.email_verified_at else OLD
        self._pending.begin(user, email, timedelta(seconds=self._tokens.new.ttl_seconds), confirmed_by)
        self._record_audit(AuditEntry(actor, "user.email_change_asked", "user", user.pk))
        tokens = [kind.issue(user.pk, {"email": email}) for kind in self._tokens]
        self._letters.ask_new(user.pk, email, tokens[1], is_taken=is_taken)
        self._letters.ask_old(user, tokens[0], tokens[2])

    async def confirm(self, token: str) -> Progress:
        """Note that one of the two addresses agrees, and change it when both do; raises InvalidToken."""
        for side, tokens in ((OLD, self._tokens.old), (NEW, self._tokens.new)):
            found = await tokens.find(token)
            if found is not None and found.user_id is not None:
                return await run_in_transaction(self._confirm, token, found.user_id, side)
        raise InvalidToken

    async def cancel(self, token: str) -> None:
        """End the change that was begun, by the link in the letter to the old address; raises InvalidToken."""
        found = await self._tokens.cancel.find(token)
        if found is None or found.user_id is None:
            raise InvalidToken
        await run_in_transaction(self._cancel, token, found.user_id)

    def moved_by_staff(self, actor: Principal, user: User, before: Mapping[str, Any]) -> None:
        """Do what a change by staff entails, in its transaction: tell both addresses, and ask the new one."""
        if before["email"].lower() != user.email.lower():
            self._pending.end(user)
            self._letters.tell_both(user.pk, before["email"], actor)
            self._letters.verify(user.pk, user.email)

    def _confirm(self, token: str, user_id: int, side: str) -> Progress:
        user = self._spend(self._tokens.old if side == OLD else self._tokens.new, token, user_id)
        if user.pending_email_confirmed_by in ("", side):
            self._pending.confirm(user, side)
            return "pending"
        old = user.email
        try:
            self._pending.move(user, user.pending_email, is_verified=True)
        except Conflict:
            raise InvalidToken from None
        self._record_audit(AuditEntry(owner_of(user_id), "user.email_changed", "user", user_id))
        self._letters.tell_both(user_id, old, None)
        return "changed"

    def _cancel(self, token: str, user_id: int) -> None:
        user = self._spend(self._tokens.cancel, token, user_id)
        self._pending.end(user)
        self._void(user_id)
        self._record_audit(AuditEntry(owner_of(user_id), "user.email_change_cancelled", "user", user_id))

    def _spend(self, tokens: OneTimeTokens, token: str, user_id: int) -> User:
        try:
            user = self._users.lock(user_id)
        except NotFound:
            raise InvalidToken from None
        spent = tokens.spend(token)
        if spent is None or not self._pending.is_waiting(user, spent.data["email"]):
            raise InvalidToken
        return user

    def _void(self, user_id: int) -> None:
        for tokens in self._tokens:
            tokens.void(user_id)
