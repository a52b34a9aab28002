"""Sections of apps that export by a function: until every app declares its personal data."""

from typing import Any

from apps.core.declarations.old_personal_data import ExportPersonalData
from apps.core.declarations.personal_data import PersonalData


class OldSection(PersonalData):
    """Exports by a function."""

    def __init__(self, export: ExportPersonalData) -> None:
        self._export = export

    async def export(self, user_id: int) -> Any:
        """Return what the function returns."""
        return await self._export(user_id)
