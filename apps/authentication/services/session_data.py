"""What sessions keep of a person: agents and addresses."""

from typing import Any

from apps.authentication.repositories.session_data_repository import SessionDataRepository
from apps.authentication.schemas import SessionOut
from apps.core.personal_data import EXPORT_ROWS_MAXIMUM, listed


class SessionData:
    """Exports and erases it."""

    def __init__(self, sessions: SessionDataRepository) -> None:
        self._sessions = sessions

    async def export(self, user_id: int) -> Any:
        """Return the newest sessions of the account. It is an `ExportPersonalData`."""
        rows, total = await self._sessions.newest(user_id, EXPORT_ROWS_MAXIMUM)
        return listed([SessionOut.of(row, None) for row in rows], total)

    def erase(self, user_id: int) -> None:
        """Remove the sessions of the account. It is an `ErasePersonalData`."""
        self._sessions.remove(user_id)
