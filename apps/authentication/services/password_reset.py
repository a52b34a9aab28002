"""Setting a password that was forgotten, by a link in a mail."""

from apps.audit.domain.audit_entry import AuditEntry, Outcome, RecordAudit
from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.password import PasswordResetRequest
from apps.core.authorization.principal import ANONYMOUS, Principal, owner_of
from apps.core.crypto.passwords import hash_password
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import InvalidToken, NotFound
from apps.core.request_context import current_request
from apps.core.values.email_addresses import canonical_email
from apps.core.values.ip_addresses import rate_limit_subject
from apps.mail.domain.links import link_to
from apps.mail.domain.message import MailMessage, PostLetter, message_key
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.users.domain.security_notice import SecurityNotice
from apps.users.services.credentials import Credentials
from apps.users.services.password_policy import check_new_password
from apps.users.services.user_service import UserService

LETTER_KIND = "reset_password"
LETTER_INTERVAL_SECONDS = 5 * 60
NOBODY = 0  # the id of no account


class PasswordReset:
    """Sends the links and takes them back. Lock order: the account before all that is its."""

    def __init__(
        self,
        users: UserService,
        sessions: SessionRepository,
        attempts: LoginAttemptRepository,
        tokens: OneTimeTokens,
        post_letter: PostLetter,
        record_audit: RecordAudit,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._attempts = attempts
        self._tokens = tokens
        self._post_letter = post_letter
        self._record_audit = record_audit

    async def ask(self, email: str) -> None:
        """Post a link to the account with this address if there is one that may be used; else do as much work.

        One letter every five minutes: whoever asks more often, or for others, fills nobody's mailbox.
        """
        await run_in_transaction(self._ask, email)

    async def send(self, actor: Principal, user_id: int) -> None:
        """Post a link to the account's address for staff, who never learn the password; raises NotFound, NotAllowed.

        An account that is not active gets none: NotFound.
        """
        actor.require_staff()
        await self._users.require_changeable(actor, user_id)
        await run_in_transaction(self._send, actor, user_id)

    async def reset(self, request: PasswordResetRequest) -> None:
        """Set the password, end every session, and spend the token if and only if the password is accepted.

        The address is verified too: its owner has read mail there. And the client is known from now on: however many
        others guess, they do not lock its owner out from here. Raises InvalidToken, ValidationFailed.
        """
        token, password = request.token.get_secret_value(), request.new_password.get_secret_value()
        credentials = await self._holder(token)
        account = {"email": credentials.email, "username": credentials.username, "full_name": credentials.full_name}
        await check_new_password(password, field="new_password", **account)
        password_hash = await hash_password(password)
        await run_in_transaction(self._reset, token, credentials.user_id, password_hash)

    async def _holder(self, token: str) -> Credentials:
        found = await self._tokens.find(token)
        if found is None or found.user_id is None:
            raise InvalidToken
        try:
            return await self._users.credentials(found.user_id)
        except NotFound:
            raise InvalidToken from None

    def _locked(self, user_id: int) -> Credentials:
        try:
            return self._users.lock_usable(user_id)
        except NotFound:
            raise InvalidToken from None

    def _ask(self, email: str) -> None:
        account = self._users.lock_usable_by_email(email)
        was_sent = self._tokens.was_issued_within(account.user_id if account else NOBODY, LETTER_INTERVAL_SECONDS)
        self._record_audit(_request_of(account))
        if account is None or was_sent:
            self._tokens.pretend()
        else:
            self._post(account)

    def _send(self, actor: Principal, user_id: int) -> None:
        account = self._users.lock_usable(user_id)
        self._record_audit(AuditEntry(actor, "password.reset_sent", "user", user_id))
        self._post(account)

    def _post(self, account: Credentials) -> None:
        token = self._tokens.issue(account.user_id, {"email": account.email})
        key, context = message_key(LETTER_KIND, token), {"link": link_to("reset-password", token=token)}
        lifetime = self._tokens.ttl_seconds
        self._post_letter(MailMessage(LETTER_KIND, account.email, key, account.user_id, context, lifetime))

    def _reset(self, token: str, user_id: int, password_hash: str) -> None:
        account = self._locked(user_id)
        spent = self._tokens.spend(token)
        if spent is None or spent.data["email"].lower() != account.email.lower():
            raise InvalidToken
        audit = AuditEntry(owner_of(user_id), "user.password_reset", "user", user_id)
        self._users.mark_verified(user_id)
        self._sessions.replace_password(user_id, password_hash, None, audit, SecurityNotice.PASSWORD_RESET)
        self._attempts.know(canonical_email(account.email), rate_limit_subject(current_request().client_address))


def _request_of(account: Credentials | None) -> AuditEntry:
    # Written for an address without an account too: it takes as long. What was typed is not written.
    if account is None:
        return AuditEntry(ANONYMOUS, "password.reset_asked", "user", outcome=Outcome.FAILURE)
    return AuditEntry(ANONYMOUS, "password.reset_asked", "user", account.user_id)
