"""The identities of a person."""

from typing import Any, override

from apps.core.declarations.personal_data import EXPORT_ROWS_MAXIMUM, PersonalData, section_of
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.identities.schemas.identity import IdentityOut


class IdentitiesPersonalData(PersonalData):
    """Exports identities and erases them."""

    def __init__(self, identities: IdentityRepository) -> None:
        self._identities = identities

    @override
    async def export(self, user_id: int) -> Any:
        """Return the account's identities."""
        rows, total = await self._identities.page(user_id, offset=0, size=EXPORT_ROWS_MAXIMUM)
        return await section_of(IdentityOut.of, rows, total)

    @override
    async def erase(self, user_id: int) -> None:
        """Delete the account's identities."""
        await self._identities.delete_all(user_id)
