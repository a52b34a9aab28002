"""What identities keep of a person: who they are elsewhere."""

from typing import Any

from apps.core.declarations.personal_data import EXPORT_ROWS_MAXIMUM, section_of
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.identities.schemas.identity import IdentityOut


class IdentityData:
    """Exports and erases it."""

    def __init__(self, identities: IdentityRepository) -> None:
        self._identities = identities

    async def export(self, user_id: int) -> Any:
        """Return the identities of the account. It is an `ExportPersonalData`."""
        rows, total = await self._identities.page(user_id, offset=0, size=EXPORT_ROWS_MAXIMUM)
        return await section_of(IdentityOut.of, rows, total)

    def erase(self, user_id: int) -> None:
        """Remove the identities of the account. It is an `ErasePersonalData`."""
        self._identities.remove_all(user_id)
