"""Judges a password, at most so many times."""

from collections.abc import Callable

from apps.audit.domain.audit_entry import AuditEntry, NoteAudit, Outcome
from apps.authentication.repositories.login_attempt_repository import CountedWrong, LoginAttemptRepository
from apps.core.authorization.principal import ANONYMOUS
from apps.core.crypto.passwords import password_matches
from apps.core.errors import TooManyRequests
from apps.core.request_context import current_request
from apps.core.values.email_addresses import canonical_email
from apps.core.values.ip_addresses import rate_limit_subject
from apps.users.services.credentials import Credentials
from apps.users.services.user_service import UserService

# Says whether this account may sign in at the door where its password was given.
Admits = Callable[[Credentials], bool]


def anybody(_credentials: Credentials) -> bool:
    """Admit every account."""
    return True


class PasswordCheck:
    """Checks passwords; five wrong ones lock the pair of account and client address for growing times."""

    def __init__(self, attempts: LoginAttemptRepository, users: UserService, note: NoteAudit) -> None:
        self._attempts = attempts
        self._users = users
        self._note = note

    async def sign_in(self, email: str, password: str, admits: Admits = anybody) -> Credentials | None:
        """Return the account if the password is its own and it may be used, else None; raises TooManyRequests.

        An account that does not exist, or that `admits` refuses, is treated, locked and timed like one whose password
        is wrong.
        """
        credentials = await self._users.credentials_of(email)
        is_right = await self._is_right(email, password, credentials, admits)
        return credentials if is_right else None

    async def confirms(self, credentials: Credentials, password: str) -> bool:
        """Return whether the password is the account's; raises TooManyRequests."""
        return await self._is_right(credentials.email, password, credentials)

    async def _is_right(
        self, email: str, password: str, credentials: Credentials | None, admits: Admits = anybody
    ) -> bool:
        """Judge first, then tell the outcome only to whom the count allows.

        Right passwords never hinder each other, however many come at once; of many wrong ones at once only the
        allowed number learn that they are wrong, and a right one among the rest is not told either.
        """
        pair = canonical_email(email), rate_limit_subject(current_request().client_address)
        _refuse_for(await self._attempts.locked_seconds(*pair))
        matches = await password_matches(password, credentials.password_hash if credentials else None)
        is_right = matches and credentials is not None and credentials.is_usable and admits(credentials)
        if is_right:
            _refuse_for(await self._attempts.forgive(*pair))
        else:
            await self._refuse(credentials, await self._attempts.count_wrong(*pair))
        return is_right

    async def _refuse(self, credentials: Credentials | None, counted: CountedWrong) -> None:
        await self._note(_entry("password.refused", credentials))
        if counted.locks_out is not None:
            await self._note(_entry("account.locked", credentials, locks_out=counted.locks_out))
        _refuse_for(counted.locked_seconds)


def _entry(action: str, credentials: Credentials | None, **after: str) -> AuditEntry:
    # Written for an account that does not exist too: it takes as long. What was typed is not: it may be a password.
    user_id = credentials.user_id if credentials else None
    return AuditEntry(ANONYMOUS, action, "user", user_id, after=after, outcome=Outcome.FAILURE)


def _refuse_for(seconds: int) -> None:
    if seconds:
        raise TooManyRequests("Too many wrong passwords.", code="LOCKED_OUT", retry_after_seconds=seconds)
