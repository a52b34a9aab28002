"""Showing that an account's address is its owner's."""

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.authorization.principal import Principal, owner_of
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import InvalidToken, NotFound
from apps.mail.domain.message import FIVE_AN_HOUR, ONE_A_MINUTE
from apps.mail.services.old_mail_service import MailService
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.users.repositories.user_repository import UserRepository
from apps.users.services.verification_letters import LETTER_KIND, VerificationLetters


class EmailVerification:
    """Verifies addresses by the links of VerificationLetters. Lock order: the account, then its tokens."""

    def __init__(
        self,
        users: UserRepository,
        tokens: OneTimeTokens,
        letters: VerificationLetters,
        mail: MailService,
        record_audit: RecordAudit,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._letters = letters
        self._mail = mail
        self._record_audit = record_audit

    async def verify(self, token: str) -> None:
        """Spend the token and note that the address is verified; raises InvalidToken.

        The token is good for the address that it was sent to, and no other that the account may have since.
        """
        found = await self._tokens.find(token)
        if found is None or found.user_id is None:
            raise InvalidToken
        await run_in_transaction(self._verify, token, found.user_id)

    async def ask_again(self, actor: Principal) -> None:
        """Post another link to the caller's own address as `remind` does; raises NotAllowed without a session."""
        actor.require_session()
        await self.remind(actor.owner_id)

    async def remind(self, user_id: int) -> None:
        """Post another link to the account's address, unless it is verified; one a minute and five an hour at most."""
        await run_in_transaction(self._remind, user_id)

    def _verify(self, token: str, user_id: int) -> None:
        try:
            user = self._users.lock(user_id)
        except NotFound:
            raise InvalidToken from None
        spent = self._tokens.spend(token)
        if spent is None or spent.data["email"].lower() != user.email.lower():
            raise InvalidToken
        self._users.mark_verified(user_id)
        self._record_audit(AuditEntry(owner_of(user_id), "user.email_verified", "user", user_id))

    def _remind(self, user_id: int) -> None:
        user = self._users.lock(user_id)
        waits = (self._mail.wait_of_account(user_id, [LETTER_KIND], each) for each in (ONE_A_MINUTE, FIVE_AN_HOUR))
        if user.email_verified_at is None and not any(waits):
            self._letters.send(user_id, user.email)
