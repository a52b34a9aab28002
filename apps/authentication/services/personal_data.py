"""The personal data in sessions and login attempts: user agents and client addresses."""

from datetime import datetime
from functools import partial
from typing import Any, override

from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.session import SessionOut
from apps.core.declarations import EXPORT_ROWS_MAXIMUM, PersonalData, section_of
from apps.core.values.email_addresses import canonical_email


class AuthenticationPersonalData(PersonalData):
    """Exports and erases sessions, and erases the clients that are remembered for an e-mail address."""

    def __init__(self, sessions: SessionRepository, attempts: LoginAttemptRepository) -> None:
        self._sessions = sessions
        self._attempts = attempts

    @override
    async def export(self, user_id: int) -> Any:
        """Return the newest sessions of the account, ended ones too."""
        rows, total = await self._sessions.newest(user_id, EXPORT_ROWS_MAXIMUM)
        return await section_of(partial(SessionOut.of, current_id=None), rows, total)

    @override
    async def erase(self, user_id: int) -> None:
        """Delete the sessions of the account."""
        await self._sessions.delete_of_account(user_id)

    @override
    async def erase_address(self, email: str, until: datetime) -> None:
        """Delete the counts of wrong passwords for the address, and the clients remembered until then."""
        await self._attempts.delete_until(canonical_email(email), until)
