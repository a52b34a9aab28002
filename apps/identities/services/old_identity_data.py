"""What apps/personal_data, which is not converted yet, calls on identities."""

from typing import Any

from apps.identities.repositories.old_identity_repository import OldIdentityRepository
from apps.identities.services.personal_data import IdentitiesPersonalData


class OldIdentityData:
    """Exports identities, and erases them in the transaction that is open on the calling thread."""

    def __init__(self, personal_data: IdentitiesPersonalData) -> None:
        self._personal_data = personal_data
        self._old_rows = OldIdentityRepository()

    async def export(self, user_id: int) -> Any:
        """Return the account's identities."""
        return await self._personal_data.export(user_id)

    def erase(self, user_id: int) -> None:
        """Delete the account's identities."""
        self._old_rows.delete_all(user_id)
