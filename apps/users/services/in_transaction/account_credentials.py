"""Changes the columns of an account that belong to signing in."""

from django.conf import settings

from apps.core.errors import EmailNotVerified, NotAuthenticated, NotFound, WrongPassword
from apps.users.repositories.account_repository import AccountRepository
from apps.users.services.credentials import Credentials, is_usable, password_digest


class AccountCredentials:
    """Records sign-ins, sets passwords, and ends sessions and authentications, in the caller's transaction.

    A password is checked before the transaction, off the event loop. `checked_digest` is the `password_digest` of the
    hash that it was checked against; None where no password was checked.
    """

    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def record_login(self, user_id: int, checked_digest: str | None, *, needs_verified_email: bool) -> bool:
        """Lock the account, store the time of the sign-in, and return whether the account has signed in before.

        Raises NotFound, NotAuthenticated when the account may not be used or its password has changed since it was
        checked, EmailNotVerified when `needs_verified_email` and REQUIRE_VERIFIED_EMAIL require a verified address.
        """
        user = await self._accounts.lock(user_id)
        if not _is_same_password(user.password, checked_digest) or not is_usable(user):
            raise NotAuthenticated
        if needs_verified_email and settings.REQUIRE_VERIFIED_EMAIL and user.email_verified_at is None:
            raise EmailNotVerified
        await self._accounts.record_login(user_id)
        return user.last_login is not None

    async def set_password(self, user_id: int, password_hash: str, checked_digest: str | None = None) -> None:
        """Lock the account and store a hash; raises NotFound, WrongPassword when the password has changed meanwhile."""
        user = await self._accounts.lock(user_id)
        if not _is_same_password(user.password, checked_digest):
            raise WrongPassword
        await self._accounts.set_password(user_id, password_hash)

    async def get(self, user_id: int) -> Credentials:
        """Return the account's credentials; raises NotFound. Also works without an open transaction."""
        user = await self._accounts.find(user_id)
        if user is None:
            raise NotFound
        return Credentials.of(user)

    async def find_by_email(self, email: str) -> Credentials | None:
        """Return the credentials of the account with this address in any spelling, usable or not, or None.

        Also works without an open transaction.
        """
        user = await self._accounts.find_by_email(email)
        return None if user is None else Credentials.of(user)

    async def mark_email_verified(self, user_id: int) -> None:
        """Mark the address of a locked account as verified."""
        await self._accounts.mark_email_verified(user_id)

    async def end_sessions(self, user_id: int) -> None:
        """End every session of a locked account."""
        await self._accounts.end_sessions(user_id)

    async def require_reauthentication(self, user_id: int) -> None:
        """Require the sessions of a locked account to re-authenticate: no earlier authentication counts as recent."""
        await self._accounts.end_authentications(user_id)


def _is_same_password(password_hash: str, checked_digest: str | None) -> bool:
    return checked_digest in (None, password_digest(password_hash))
