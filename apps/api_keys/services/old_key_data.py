"""What API keys keep of a person, for apps/personal_data until it reads the declarations."""

from typing import Any

from apps.api_keys.repositories.old_api_key_repository import OldApiKeyRepository
from apps.api_keys.services.personal_data import ApiKeyPersonalData


class KeyData:
    """Exports as `ApiKeyPersonalData` does, and erases on the calling thread."""

    def __init__(self, personal_data: ApiKeyPersonalData, keys: OldApiKeyRepository) -> None:
        self._personal_data = personal_data
        self._keys = keys

    async def export(self, user_id: int) -> Any:
        """Return the account's keys. It is an `ExportPersonalData`."""
        return await self._personal_data.export(user_id)

    def erase(self, user_id: int) -> None:
        """Blank the texts of the account's keys. It is an `ErasePersonalData`."""
        self._keys.erase_texts(user_id)
