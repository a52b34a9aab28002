"""What signing in keeps of a person, for the synchronous erasure."""

from datetime import datetime
from typing import Any

from apps.authentication.repositories.old_session_data_repository import OldSessionDataRepository
from apps.authentication.services.personal_data import AuthenticationPersonalData
from apps.core.values.email_addresses import canonical_email


class OldSessionData:
    """Exports and erases it; `erase…` work in the transaction that is open on the calling thread."""

    def __init__(self, rows: OldSessionDataRepository, personal_data: AuthenticationPersonalData) -> None:
        self._rows = rows
        self._personal_data = personal_data

    async def export(self, user_id: int) -> Any:
        """Return the newest sessions of the account."""
        return await self._personal_data.export(user_id)

    def erase(self, user_id: int) -> None:
        """Delete the sessions of the account."""
        self._rows.delete_sessions(user_id)

    def erase_address(self, email: str, until: datetime) -> None:
        """Delete from where the account with this address was signed in to until then."""
        self._rows.delete_login_attempts(canonical_email(email), until)
