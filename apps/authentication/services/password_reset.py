"""Resets forgotten passwords by a link in a message."""

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.authentication.schemas.password import PasswordResetOut, PasswordResetRequest
from apps.authentication.services.in_transaction.password_replacement import PasswordReplacement
from apps.authentication.services.password_service import hash_new_password
from apps.core.authorization.catalogue import SECURITY_WRITE
from apps.core.authorization.principal import ANONYMOUS, Principal, owner_of
from apps.core.database.transaction import transaction
from apps.core.errors import InvalidToken, NotFound
from apps.core.request_context import current_request
from apps.core.values.email_addresses import canonical_email
from apps.core.values.ip_addresses import rate_limit_subject
from apps.mail.domain.message import MailMessage, link_to, message_key
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.one_time_tokens.services.in_transaction.one_time_tokens import NO_ACCOUNT, OneTimeTokens
from apps.users.services.credentials import Credentials
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.in_transaction.security_notifier import SecurityNotice

MESSAGE_KIND = "reset_password"
MESSAGE_INTERVAL_SECONDS = 5 * 60


class PasswordReset:
    """Enqueues messages with links, and sets the passwords that their recipients choose."""

    def __init__(
        self,
        accounts: Accounts,
        credentials: AccountCredentials,
        replacement: PasswordReplacement,
        attempts: LoginAttemptRepository,
        *,
        tokens: OneTimeTokens,
        queue: MessageQueue,
        audit: AuditTrail,
    ) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._replacement = replacement
        self._attempts = attempts
        self._tokens = tokens
        self._queue = queue
        self._audit = audit

    async def request(self, email: str) -> None:
        """Enqueue a message with a link to the usable account with this address; without one, take the same time.

        One message every five minutes, so that repeated requests do not fill a mailbox.
        """
        async with transaction():
            account = await self._accounts.lock_usable_by_email(email)
            user_id = account.user_id if account else NO_ACCOUNT
            was_sent = await self._tokens.was_issued_within(user_id, MESSAGE_INTERVAL_SECONDS)
            await self._audit.record(_request_entry(account))
            if account is None or was_sent:
                await self._tokens.pretend()
            else:
                await self._enqueue_link(account)

    async def send(self, actor: Principal, user_id: int) -> None:
        """Enqueue a message with a link to the account's address. For staff, who do not learn the password.

        Raises NotAllowed, InsufficientScopes, and NotFound for an account that does not exist or is not usable.
        """
        actor.require_scope(SECURITY_WRITE)
        async with transaction():
            account = await self._accounts.lock_for(actor, user_id, SECURITY_WRITE)
            if not account.is_usable:
                raise NotFound
            await self._audit.record(AuditEntry(actor, "password.reset_sent", "user", user_id))
            await self._enqueue_link(account)

    async def reset(self, request: PasswordResetRequest) -> PasswordResetOut:
        """Set the password, end every session, and spend the token if and only if the password is accepted.

        Returns the API keys that still work, with a token that revokes them. Where no address of the account was ever
        verified, nothing of what it had before works any more (AccountTakeover). This also verifies the address, where
        the owner has read the message, and remembers the client, so that guesses of other clients do not lock it out.
        Raises InvalidToken, ValidationFailed.
        """
        token = request.token.get_secret_value()
        account = await self._account_of(token)
        password = request.new_password.get_secret_value()
        password_hash = await hash_new_password(account, password, field="new_password")
        async with transaction():
            account = await self._lock(account.user_id)
            spent = await self._tokens.spend(token)
            if spent is None or spent.data["email"].lower() != account.email.lower():
                raise InvalidToken
            owner = owner_of(account.user_id)
            await self._credentials.mark_email_verified(account.user_id)
            replaced = await self._replacement.replace(
                owner, account.user_id, password_hash, SecurityNotice.PASSWORD_RESET, taken_over=account
            )
            await self._attempts.unlock(
                canonical_email(account.email), rate_limit_subject(current_request().client_address)
            )
        return PasswordResetOut(api_keys=replaced.review, revoked_api_keys=replaced.revoked_keys)

    async def _account_of(self, token: str) -> Credentials:
        found = await self._tokens.find(token)
        if found is None or found.user_id is None:
            raise InvalidToken
        try:
            return await self._credentials.get(found.user_id)
        except NotFound:
            raise InvalidToken from None

    async def _lock(self, user_id: int) -> Credentials:
        try:
            return await self._accounts.lock_usable(user_id)
        except NotFound:
            raise InvalidToken from None

    async def _enqueue_link(self, account: Credentials) -> None:
        token = await self._tokens.issue(account.user_id, {"email": account.email})
        key, context = message_key(MESSAGE_KIND, token), {"link": link_to("reset-password", token=token)}
        lifetime = self._tokens.ttl_seconds
        await self._queue.enqueue(MailMessage(MESSAGE_KIND, account.email, key, account.user_id, context, lifetime))


def _request_entry(account: Credentials | None) -> AuditEntry:
    # Also recorded for an address without an account, so that it takes as long. The input is not recorded.
    if account is None:
        return AuditEntry(ANONYMOUS, "password.reset_asked", "user", outcome=Outcome.FAILURE)
    return AuditEntry(ANONYMOUS, "password.reset_asked", "user", account.user_id)
