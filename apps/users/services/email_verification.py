"""Verifies that an account's address belongs to its owner."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import SECURITY_WRITE
from apps.core.authorization.principal import Principal, owner_of
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, InvalidToken, NotFound, TooManyRequests
from apps.mail.domain.message import FIVE_AN_HOUR, ONE_A_MINUTE
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.users.models import User
from apps.users.repositories.account_repository import AccountRepository
from apps.users.services.credentials import Credentials, require_changeable_by
from apps.users.services.in_transaction.address_messages import VERIFY, VerificationMessages
from apps.users.services.link_passwords import LinkPasswords, require_same_password

RESEND_SECONDS = 60


class AlreadyVerified(Conflict):
    """The address needs no link."""

    code, message = "EMAIL_ALREADY_VERIFIED", "The e-mail address is verified already."


class EmailVerification:
    """Verifies addresses by the links of VerificationMessages, and sends further links."""

    def __init__(
        self,
        accounts: AccountRepository,
        tokens: OneTimeTokens,
        messages: VerificationMessages,
        queue: MessageQueue,
        audit: AuditTrail,
        passwords: LinkPasswords,
    ) -> None:
        self._passwords = passwords
        self._accounts = accounts
        self._tokens = tokens
        self._messages = messages
        self._queue = queue
        self._audit = audit

    async def verify(self, token: str, password: str) -> None:
        """Spend the token and store that the address is verified; raises InvalidToken, WrongPassword.

        A token is valid only for the address that it was sent to. The password shows that the reader of the message is
        the person who has the account: otherwise a person who follows the link would verify an account of an attacker,
        who has signed up with the reader's address and knows the password. After five wrong ones the token is invalid.
        """
        user_id, checked_digest = await self._passwords.check(self._tokens, token, password)
        async with transaction():
            user = await self._lock(user_id)
            require_same_password(user, checked_digest)
            spent = await self._tokens.spend(token)
            if spent is None or spent.data["email"].lower() != user.email.lower():
                raise InvalidToken
            await self._accounts.mark_email_verified(user.pk)
            await self._audit.record(AuditEntry(owner_of(user.pk), "user.email_verified", "user", user.pk))

    async def resend(self, actor: Principal) -> None:
        """Send another link to the actor's own address as `remind` does; raises NotAllowed without a session."""
        actor.require_session()
        await self.remind(actor.owner_id)

    async def remind(self, user_id: int) -> None:
        """Send another link to the account's address, unless it is verified; up to one a minute and five an hour.

        Raises NotFound.
        """
        async with transaction():
            user = await self._accounts.lock(user_id)
            if user.email_verified_at is None and await self._may_send(user):
                await self._messages.enqueue(user_id, user.email)

    async def send(self, actor: Principal, user_id: int) -> None:
        """Send another link to a customer's address, for staff, who do not learn it.

        Raises NotAllowed, InsufficientScopes, NotFound, AlreadyVerified, TooManyRequests as often as `remind` allows.
        """
        actor.require_scope(SECURITY_WRITE)
        async with transaction():
            user = await self._accounts.lock(user_id)
            await require_changeable_by(actor, Credentials.of(user), self._accounts)
            if user.email_verified_at is not None:
                raise AlreadyVerified
            if not await self._may_send(user):
                raise TooManyRequests("A link was sent recently.", retry_after_seconds=RESEND_SECONDS)
            await self._messages.enqueue(user_id, user.email)
            await self._audit.record(AuditEntry(actor, "user.verification_sent", "user", user_id))

    async def _lock(self, user_id: int) -> User:
        try:
            return await self._accounts.lock(user_id)
        except NotFound:
            raise InvalidToken from None

    async def _may_send(self, user: User) -> bool:
        for allowance in (ONE_A_MINUTE, FIVE_AN_HOUR):
            if await self._queue.wait_seconds_for_account(user.pk, [VERIFY], allowance):
                return False
        return True
