"""Signs up without revealing whether an address has an account: the account is created when it is confirmed."""

from collections.abc import Mapping
from datetime import timedelta

from apps.core.crypto.passwords import password_matches
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, InvalidToken, WrongPassword
from apps.mail.domain.message import MailMessage, link_to, message_key
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.users.models import PendingRegistration
from apps.users.repositories.pending_registration_repository import PendingRegistrationRepository
from apps.users.repositories.user_repository import UserRepository
from apps.users.schemas.user import RegistrationConfirm, UserOut
from apps.users.services.in_transaction.account_creation import AccountCreation

MESSAGES_AN_HOUR = 5  # to one address, from all clients together
ATTEMPTS_MAXIMUM = 5  # passwords per link
CONFIRM, REGISTERED = "confirm_registration", "registered_already"


class ConfirmedRegistration:
    """Stores sign-ups until their address is confirmed.

    An address that has an account gets a message that says so. Both cases run the same statements and wait for the same
    locks.
    """

    def __init__(
        self,
        users: UserRepository,
        pending: PendingRegistrationRepository,
        tokens: OneTimeTokens,
        queue: MessageQueue,
        creation: AccountCreation,
    ) -> None:
        self._users = users
        self._pending = pending
        self._tokens = tokens
        self._queue = queue
        self._creation = creation

    async def request(self, account: Mapping[str, str], password_hash: str) -> None:
        """Store the sign-up and send a message to its address, up to five an hour; further sign-ups are dropped."""
        email = account["email"]
        async with transaction():
            await self._users.lock_address(email)
            if await self._pending.count_since(email, timedelta(hours=1)) >= MESSAGES_AN_HOUR:
                return
            owner = await self._users.lock_by_email(email)
            pending_id = await self._pending.insert(account, password_hash)
            token = await self._tokens.issue_another(None, {"pending": pending_id})
            if owner is None:
                context = {"link": link_to("confirm-registration", token=token), "username": account["username"]}
                await self._enqueue(CONFIRM, email, None, token, context)
            else:
                await self._enqueue(REGISTERED, owner.email, owner.pk, token, {"link": link_to("forgot-password")})

    async def confirm(self, given: RegistrationConfirm) -> UserOut:
        """Create the account of the sign-up, with a verified address; raises InvalidToken, WrongPassword.

        The password must be that of the sign-up: the recipient of the message may not be the person who signed up,
        and would get an account with a password that another person knows. After five wrong ones the token is invalid.

        A user name that is taken meanwhile gets a random suffix, because an error would reveal it.
        """
        token = given.token.get_secret_value()
        valid = await self._tokens.attempt(token, ATTEMPTS_MAXIMUM)
        pending = await self._pending.find(valid.data["pending"]) if valid else None
        if pending is None:
            raise InvalidToken
        if not await password_matches(given.password.get_secret_value(), pending.password):
            raise WrongPassword("The password is wrong. Enter the one that you chose when you signed up.")
        return await self._create(token, pending)

    async def _create(self, token: str, pending: PendingRegistration) -> UserOut:
        account = {"email": pending.email, "username": pending.username, "full_name": pending.full_name}
        async with transaction():
            spent = await self._tokens.spend(token)
            waiting = await self._pending.lock_all_for(pending.email)
            if spent is None or pending.pk not in {row.pk for row in waiting}:
                raise InvalidToken
            await self._pending.delete_all_for(pending.email)
            try:
                user_id = await self._creation.create_verified(account, pending.password)
            except Conflict:
                raise InvalidToken from None
            return UserOut.of(await self._users.get(user_id))

    async def _enqueue(
        self, kind: str, address: str, user_id: int | None, token: str, context: Mapping[str, str]
    ) -> None:
        key, lifetime = message_key(kind, token), self._tokens.ttl_seconds
        await self._queue.enqueue(MailMessage(kind, address, key, user_id, context, lifetime))
