"""What an app keeps of a person: how it is exported, and how it is erased."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from apps.core.crypto.passwords import run_in_hashing_thread

# The most rows of one kind that an export holds.
EXPORT_ROWS_MAXIMUM = 1000


class PersonalData:
    """An app's part of exporting and erasing personal data; apps override what they need."""

    async def export(self, user_id: int) -> Any:
        """Return what the app keeps of the account, as schemas, or by name in `dict`s; no secret is among it."""
        raise LookupError(f"{type(self).__name__} exports nothing of account {user_id}")

    async def erase(self, user_id: int) -> None:
        """Erase what the app keeps of a deleted account, in the transaction of the erasure."""

    async def erase_address(self, email: str, until: datetime) -> None:
        """Erase what is kept under the address that the account had until it was deleted, at `until`.

        What belongs to another account, which has had the address since, is not touched.
        """


async def section_of[R](to_schema: Callable[[R], Any], rows: Sequence[R], total: int) -> dict[str, Any]:
    """Return rows as a section of an export: the newest EXPORT_ROWS_MAXIMUM, each by its schema, and how many exist.

    Off the event loop: a thousand rows take a processor for tens of milliseconds.
    """
    return {"items": await run_in_hashing_thread(_converted, to_schema, rows), "total": total}


def _converted[R](to_schema: Callable[[R], Any], rows: Sequence[R]) -> list[Any]:
    return [to_schema(row) for row in rows]
