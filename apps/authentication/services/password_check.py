"""Judges a password, at most so many times."""

from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.core.errors import TooManyRequests
from apps.core.http.request_context import current_request
from apps.core.http.trusted_proxies import limited_party
from apps.core.security.passwords import password_matches
from apps.users.services.credentials import Credentials
from apps.users.services.user_service import UserService


class PasswordCheck:
    """Checks passwords; five wrong ones lock the pair of account and client address for growing times."""

    def __init__(self, attempts: LoginAttemptRepository, users: UserService) -> None:
        self._attempts = attempts
        self._users = users

    async def sign_in(self, email: str, password: str) -> Credentials | None:
        """Return the account if the password is its own and it may be used, else None; raises TooManyRequests.

        An account that does not exist is treated, locked and timed like one that does.
        """
        credentials = await self._users.credentials_of(email)
        return credentials if await self._is_right(email, password, credentials) else None

    async def confirms(self, credentials: Credentials, password: str) -> bool:
        """Return whether the password is the account's; raises TooManyRequests."""
        return await self._is_right(credentials.email, password, credentials)

    async def _is_right(self, email: str, password: str, credentials: Credentials | None) -> bool:
        pair = email.strip(), limited_party(current_request().client_address)
        if wait_seconds := await self._attempts.begin(*pair):
            raise TooManyRequests("Too many wrong passwords.", code="LOCKED_OUT", retry_after_seconds=wait_seconds)
        matches = await password_matches(password, credentials.password_hash if credentials else None)
        if not matches or credentials is None or not credentials.is_usable:
            return False
        await self._attempts.forget(*pair)
        return True
