"""Replaces passwords, and ends the sessions and tokens that depend on the old one."""

import secrets

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.services.in_transaction.session_revocation import SessionRevocation
from apps.core.authorization.principal import Principal
from apps.one_time_tokens.services.in_transaction.one_time_tokens import AccountTokens
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier

ACTIONS = {
    SecurityNotice.PASSWORD_CHANGED: "user.password_changed",
    SecurityNotice.PASSWORD_RESET: "user.password_reset",
}
NOTICE_KEY_BYTES = 8


class PasswordReplacement:
    """Replaces passwords in the caller's transaction, and notifies their owners."""

    def __init__(
        self,
        credentials: AccountCredentials,
        sessions: SessionRevocation,
        tokens: AccountTokens,
        notifier: SecurityNotifier,
        audit: AuditTrail,
    ) -> None:
        self._credentials = credentials
        self._sessions = sessions
        self._tokens = tokens
        self._notifier = notifier
        self._audit = audit

    async def replace(
        self,
        actor: Principal,
        user_id: int,
        password_hash: str,
        what: SecurityNotice,
        *,
        kept_id: int | None = None,
        checked_digest: str | None = None,
    ) -> None:
        """Store the hash, and end every session of the account but `kept_id` and every single-use token.

        `what` is PASSWORD_CHANGED or PASSWORD_RESET. Raises NotFound, and WrongPassword when a password was checked and
        the account has another one since: `checked_digest` is the `password_digest` of the checked hash.
        """
        await self._credentials.set_password(user_id, password_hash, checked_digest)
        await self._sessions.revoke_all(user_id, "password changed", kept_id=kept_id)
        await self._tokens.void_all(user_id)
        await self._audit.record(AuditEntry(actor, ACTIONS[what], "user", user_id))
        await self._notifier.notify(user_id, what, secrets.token_hex(NOTICE_KEY_BYTES), actor)
