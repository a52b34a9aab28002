"""The interface for exporting and erasing an app's personal data."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, override

from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.database.orm.entity_repository import OwnedRepository

# Per kind of row.
EXPORT_ROWS_MAXIMUM = 1000


class PersonalData:
    """Exports and erases one app's personal data. Apps override the methods that they need."""

    async def export(self, user_id: int) -> Any:
        """Return the app's personal data of the account, as schemas, or as `dict`s of schemas; without secrets."""
        raise LookupError(f"{type(self).__name__} exports no data of account {user_id}")

    async def erase(self, user_id: int) -> None:
        """Erase the app's personal data of a deleted account, inside the transaction of the erasure."""

    async def erase_address(self, email: str, until: datetime) -> None:
        """Erase the data stored under the e-mail address that the account had until it was deleted, at `until`.

        Keeps the data of another account that has used the address since.
        """


class OwnedPersonalData(PersonalData):
    """Exports the rows of an entity that belongs to accounts, as `to_schema` returns them, and erases them."""

    def __init__(self, rows: OwnedRepository[Any], to_schema: Callable[[Any], Any]) -> None:
        self._rows = rows
        self._to_schema = to_schema

    @override
    async def export(self, user_id: int) -> Any:
        """Return the account's rows."""
        rows, total = await self._rows.page(user_id, offset=0, size=EXPORT_ROWS_MAXIMUM)
        return await section_of(self._to_schema, rows, total)

    @override
    async def erase(self, user_id: int) -> None:
        """Delete the account's rows."""
        await self._rows.delete_all(user_id)


async def section_of[R](to_schema: Callable[[R], Any], rows: Sequence[R], total: int) -> dict[str, Any]:
    """Return a section of an export: the rows, at most the newest EXPORT_ROWS_MAXIMUM, and the total number.

    Converts the rows by `to_schema` off the event loop: a thousand rows take tens of milliseconds of CPU time.
    """
    return {"items": await run_in_hashing_thread(_converted, to_schema, rows), "total": total}


def _converted[R](to_schema: Callable[[R], Any], rows: Sequence[R]) -> list[Any]:
    return [to_schema(row) for row in rows]
