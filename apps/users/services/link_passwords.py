"""Checks the password that a link in a message asks for."""

from apps.core.crypto.passwords import password_matches
from apps.core.errors import InvalidToken, WrongPassword
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.users.models import User
from apps.users.repositories.account_repository import AccountRepository
from apps.users.services.credentials import password_digest

ATTEMPTS_MAXIMUM = 5  # passwords per link


class LinkPasswords:
    """Checks that the reader of a message knows the password of the account that its link belongs to."""

    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def check(self, tokens: OneTimeTokens, token: str, password: str) -> tuple[int, str]:
        """Return the account's id, and the `password_digest` of the hash that the password was checked against.

        Counts an attempt, of which a link allows five. Outside of transactions, because it hashes. Raises InvalidToken,
        WrongPassword.
        """
        found = await tokens.attempt(token, ATTEMPTS_MAXIMUM)
        user = await self._accounts.find(found.user_id) if found and found.user_id else None
        if user is None:
            raise InvalidToken
        if not await password_matches(password, user.password):
            raise WrongPassword("The password is wrong. Enter the one of your account, or set a new one.")
        return user.pk, password_digest(user.password)


def require_same_password(user: User, checked_digest: str) -> None:
    """Raise InvalidToken where the password of the locked account has changed since it was checked."""
    if password_digest(user.password) != checked_digest:
        raise InvalidToken
