"""What signing in keeps of a person: agents and addresses."""

from datetime import datetime
from functools import partial
from typing import Any

from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.authentication.repositories.session_data_repository import SessionDataRepository
from apps.authentication.schemas.session import SessionOut
from apps.core.declarations.personal_data import EXPORT_ROWS_MAXIMUM, section_of
from apps.core.values.email_addresses import canonical_email


class SessionData:
    """Exports and erases it."""

    def __init__(self, sessions: SessionDataRepository, attempts: LoginAttemptRepository) -> None:
        self._sessions = sessions
        self._attempts = attempts

    async def export(self, user_id: int) -> Any:
        """Return the newest sessions of the account. It is an `ExportPersonalData`."""
        rows, total = await self._sessions.newest(user_id, EXPORT_ROWS_MAXIMUM)
        return await section_of(partial(SessionOut.of, current_id=None), rows, total)

    def erase(self, user_id: int) -> None:
        """Remove the sessions of the account. It is an `ErasePersonalData`."""
        self._sessions.remove(user_id)

    def erase_address(self, email: str, until: datetime) -> None:
        """Remove from where the account of this address was signed in to, or tried. It is an `EraseAddress`."""
        self._attempts.forget(canonical_email(email), until)
