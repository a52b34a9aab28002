"""What a room keeps of a person: each says what it is, and how it is erased."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from apps.core.crypto.passwords import run_in_hashing_thread

# The most rows of one kind that an export holds.
EXPORT_ROWS_MAXIMUM = 1000

# Erases what the room keeps of the account, in the transaction that is open on the calling thread.
ErasePersonalData = Callable[[int], None]
# The same for what is kept under the address that the account had until it was deleted, at this moment, with no account
# to it. What somebody else, who has the address since, has left is not touched.
EraseAddress = Callable[[str, datetime], None]
# Returns what the room keeps of the account, as schemas, or by name in `dict`s; no secret is among it.
ExportPersonalData = Callable[[int], Awaitable[Any]]


class ExportSection(NamedTuple):
    """A part of an export: its name there, and who makes it."""

    name: str
    export: ExportPersonalData


async def listed[R](shown: Callable[[R], Any], rows: Sequence[R], total: int) -> dict[str, Any]:
    """Return rows as a section: each by its schema, the newest EXPORT_ROWS_MAXIMUM, and how many there are in all.

    Off the event loop: a thousand rows take a processor for tens of milliseconds.
    """
    return {"items": await run_in_hashing_thread(_shown, shown, rows), "total": total}


def _shown[R](shown: Callable[[R], Any], rows: Sequence[R]) -> list[Any]:
    return [shown(row) for row in rows]
