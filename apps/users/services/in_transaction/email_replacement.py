"""What follows when an account gets another address."""

from apps.core.authorization.principal import Principal
from apps.one_time_tokens.services.in_transaction.account_tokens import AccountTokens
from apps.users.models import User
from apps.users.repositories.pending_email_repository import PendingEmailRepository
from apps.users.services.in_transaction.address_messages import EmailChangeMessages, VerificationMessages


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

    async def announce(self, user_id: int, old: str, actor: Principal | None = None) -> None:
        """Void every link that the old address may have, and notify both addresses."""
        await self._tokens.void_all(user_id)
        await self._messages.notify_both(user_id, old, actor)

    async def complete_by_staff(self, actor: Principal, user: User, email: str) -> None:
        """Cancel the change that the owner may have begun, announce the new address, and ask it to verify itself.

        `user` is the account as it was before; where only the case of its address has changed, nothing follows.
        """
        if email.lower() == user.email.lower():
            return
        await self._pending.end(user)
        await self.announce(user.pk, user.email, actor)
        await self._verification.enqueue(user.pk, email)
