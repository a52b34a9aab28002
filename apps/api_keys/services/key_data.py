"""What keys keep of a person: names, descriptions, metadata and addresses."""

from functools import partial
from typing import Any

from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.repositories.key_data_repository import KeyDataRepository
from apps.api_keys.schemas.api_key import ApiKeyOut
from apps.core.declarations.personal_data import EXPORT_ROWS_MAXIMUM, section_of
from apps.users.services.user_service import UserService


class KeyData:
    """Exports and erases it."""

    def __init__(self, keys: ApiKeyRepository, words: KeyDataRepository, users: UserService) -> None:
        self._keys = keys
        self._words = words
        self._users = users

    async def export(self, user_id: int) -> Any:
        """Return the keys of the account without their secrets. It is an `ExportPersonalData`."""
        rows, total = await self._keys.page(user_id, offset=0, size=EXPORT_ROWS_MAXIMUM)
        held = await self._users.held_scopes(user_id)
        return await section_of(partial(ApiKeyOut.of, held=held), rows, total)

    def erase(self, user_id: int) -> None:
        """Blank the words of the account's keys. It is an `ErasePersonalData`."""
        self._words.blank(user_id)
