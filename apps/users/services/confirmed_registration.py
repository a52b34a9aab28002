"""Signing up where nothing may tell whether an address has an account: it is made when the address is confirmed."""

from collections.abc import Mapping

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import ANONYMOUS
from apps.core.crypto.passwords import password_matches
from apps.core.database.batches import remove_in_batches
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import Conflict, InvalidToken, WrongPassword
from apps.mail.domain.links import link_to
from apps.mail.domain.message import MailMessage, PostLetter, message_key
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.users.models import User
from apps.users.repositories.old_user_repository import OldUserRepository
from apps.users.repositories.pending_registration_repository import PendingRegistrationRepository
from apps.users.schemas.pending_registration import RegistrationConfirm
from apps.users.schemas.user import UserOut

LETTERS_AN_HOUR = 5  # to one address, whoever signs it up
ATTEMPTS_MAXIMUM = 5  # passwords that are judged for one link
CONFIRM, KNOWN = "confirm_registration", "registered_already"


class ConfirmedRegistration:
    """Keeps sign-ups until their address is confirmed.

    An address that has an account is written to as well, that it has one. Both ways make the same statements.
    """

    def __init__(
        self,
        users: OldUserRepository,
        pending: PendingRegistrationRepository,
        tokens: OneTimeTokens,
        post_letter: PostLetter,
    ) -> None:
        self._users = users
        self._pending = pending
        self._tokens = tokens
        self._post_letter = post_letter

    async def ask(self, account: Mapping[str, str], password_hash: str) -> None:
        """Keep the sign-up and write to its address, which gets five such letters an hour at most."""
        await run_in_transaction(self._ask, account, password_hash)

    async def confirm(self, given: RegistrationConfirm) -> UserOut:
        """Make the account that the token stands for, of a verified address; raises InvalidToken, WrongPassword.

        The password is that of the sign-up: who reads the mail may not be who has signed up, and would else be given an
        account to which another has the password. Five are judged, then the token is good no more.

        Where the user name is taken by now, it gets a random end: an answer that said so would name somebody.
        """
        token = given.token.get_secret_value()
        waiting = await self._tokens.attempt(token, ATTEMPTS_MAXIMUM)
        pending = await self._pending.find(waiting.data["pending"]) if waiting else None
        if pending is None:
            raise InvalidToken
        if not await password_matches(given.password.get_secret_value(), pending.password):
            raise WrongPassword("This is not the password that was chosen at the sign-up.")
        return UserOut.of(await run_in_transaction(self._confirm, token))

    async def remove_old(self) -> int:
        """Remove sign-ups that nobody has confirmed, in batches, and return how many."""
        return await remove_in_batches(self._pending.remove_old)

    def _ask(self, account: Mapping[str, str], password_hash: str) -> None:
        email = account["email"]
        if self._pending.count_recent(email) >= LETTERS_AN_HOUR:
            return
        owner = self._users.lock_by_email(email)
        token = self._tokens.issue_to_nobody({"pending": self._pending.add(dict(account), password_hash)})
        if owner is None:
            context = {"link": link_to("confirm-registration", token=token), "username": account["username"]}
        else:
            context = {"link": link_to("forgot-password")}
        kind, user_id = (CONFIRM, None) if owner is None else (KNOWN, owner.pk)
        address = email if owner is None else owner.email
        self._post_letter(
            MailMessage(kind, address, message_key(kind, token), user_id, context, self._tokens.ttl_seconds)
        )

    def _confirm(self, token: str) -> User:
        spent = self._tokens.spend(token)
        pending = self._pending.take(spent.data["pending"]) if spent else None
        if pending is None:
            raise InvalidToken
        account = {"email": pending.email, "username": pending.username, "full_name": pending.full_name}
        audit = AuditEntry(ANONYMOUS, "user.created", "user", after=account)
        try:
            return self._users.add_verified(account, pending.password, audit)
        except Conflict:
            raise InvalidToken from None
