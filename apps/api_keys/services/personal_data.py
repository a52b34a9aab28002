"""The personal data in API keys: names, descriptions, metadata and addresses."""

from functools import partial
from typing import Any

from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.schemas.api_key import ApiKeyOut
from apps.core.declarations import EXPORT_ROWS_MAXIMUM, PersonalData, section_of
from apps.users.services.user_service import UserService


class ApiKeyPersonalData(PersonalData):
    """Exports and erases the keys' texts. Ids, scopes and usage stay."""

    def __init__(self, keys: ApiKeyRepository, users: UserService) -> None:
        self._keys = keys
        self._users = users

    async def export(self, user_id: int) -> Any:
        """Return the account's newest keys without their secrets."""
        rows, total = await self._keys.newest(user_id, EXPORT_ROWS_MAXIMUM)
        held = await self._users.held_scopes(user_id)
        return await section_of(partial(ApiKeyOut.of, held=held), rows, total)

    async def erase(self, user_id: int) -> None:
        """Blank the texts of the account's keys."""
        await self._keys.erase_texts(user_id)
