"""Replaces passwords, and ends the sessions and tokens that depend on the old one."""

import secrets
from typing import NamedTuple

from apps.api_keys.schemas.key_review import KeyReviewOut
from apps.api_keys.services.in_transaction.key_review_links import KeyReviewLinks
from apps.api_keys.services.in_transaction.key_revocation import KeyRevocation
from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.services.in_transaction.session_revocation import SessionRevocation
from apps.core.authorization.principal import Principal
from apps.mail.domain.message import link_to
from apps.one_time_tokens.services.in_transaction.one_time_tokens import AccountTokens
from apps.second_factors.services.in_transaction.account_factors import FactorSet
from apps.users.services.credentials import Credentials, is_of_staff
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier

ACTIONS = {
    SecurityNotice.PASSWORD_CHANGED: "user.password_changed",
    SecurityNotice.PASSWORD_RESET: "user.password_reset",
}
NOTICE_KEY_BYTES = 8
BEFORE_VERIFICATION = "Created before the address of the account was verified."


class Replaced(NamedTuple):
    """The API keys that still work, if any, and how many were revoked."""

    review: KeyReviewOut | None
    revoked_keys: int


class AccountTakeover:
    """Ends what another person may have left in an account, in the caller's transaction, which has locked the account.

    A person who signs up with another's address can create keys and sessions before that person takes the account
    over by a link in a mail. See Sudhodanan and Paverd, "Pre-hijacked accounts", USENIX Security 2022.
    """

    def __init__(self, revocation: KeyRevocation, factors: FactorSet) -> None:
        self._revocation = revocation
        self._factors = factors

    async def end_access(self, owner: Principal, account: Credentials) -> int:
        """Revoke the account's keys and remove its second factors; return how many keys were revoked.

        Nothing happens to an account with an address that was verified once, because its owner has had the mailbox, and
        to one of staff, which other staff have created. Identities need a verified address, and sessions and links end
        with the password.
        """
        if account.was_ever_verified or is_of_staff(account):
            return 0
        await self._factors.remove_all(account.user_id)
        return await self._revocation.revoke_of_account(owner, account.user_id, BEFORE_VERIFICATION)


class PasswordReplacement:
    """Replaces passwords in the caller's transaction, and notifies their owners."""

    def __init__(
        self,
        credentials: AccountCredentials,
        sessions: SessionRevocation,
        tokens: AccountTokens,
        notifier: SecurityNotifier,
        audit: AuditTrail,
        *,
        reviews: KeyReviewLinks,
        takeover: AccountTakeover,
    ) -> None:
        self._takeover = takeover
        self._reviews = reviews
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
        taken_over: Credentials | None = None,
    ) -> Replaced:
        """Store the hash, and end every session of the account but `kept_id` and every single-use token.

        API keys stay: the message to the owner lists them, with a link that revokes them. `taken_over` is the account
        as it was before, where a reader of its mail takes it over (AccountTakeover). `what` is PASSWORD_CHANGED or
        PASSWORD_RESET. Raises NotFound, and WrongPassword when a password was checked and the account has another one
        since: `checked_digest` is the `password_digest` of the checked hash.
        """
        await self._credentials.set_password(user_id, password_hash, checked_digest)
        revoked = await self._takeover.end_access(actor, taken_over) if taken_over else 0
        await self._sessions.revoke_all(user_id, "password changed", kept_id=kept_id)
        await self._tokens.void_all(user_id)
        await self._audit.record(AuditEntry(actor, ACTIONS[what], "user", user_id))
        replaced = Replaced(await self._reviews.begin(user_id), revoked)
        details = _details(replaced, await self._credentials.get(user_id))
        await self._notifier.notify(user_id, what, secrets.token_hex(NOTICE_KEY_BYTES), actor, details)
        return replaced


def _details(replaced: Replaced, account: Credentials) -> dict[str, str]:
    revoked = {"revoked": str(replaced.revoked_keys)} if replaced.revoked_keys else {}
    review = replaced.review
    if review is None:
        return revoked
    sentence = review.sentence(shows_names=account.may_be_shown_texts)
    return {**revoked, "keys": sentence, "keys_link": link_to("api-keys", token=review.token)}
