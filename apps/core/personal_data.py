"""What a room keeps of a person: each says what it is, and how it is erased."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple

# The most rows of one kind that an export holds.
EXPORT_ROWS_MAXIMUM = 10_000

# Erases what the room keeps of the account, in the transaction that is open on the calling thread.
ErasePersonalData = Callable[[int], None]
# The same for what is kept under the address that the account had until it was deleted, at this moment, with no account
# to it. What somebody else, who has the address since, has left is not touched.
EraseAddress = Callable[[str, datetime], None]
# Returns what the room keeps of the account, as JSON; no secret is among it.
ExportPersonalData = Callable[[int], Awaitable[Any]]


class ExportSection(NamedTuple):
    """A part of an export: its name there, and who makes it."""

    name: str
    export: ExportPersonalData


def listed(items: list[Any], total: int) -> dict[str, Any]:
    """Return rows of schemas as a section: the newest EXPORT_ROWS_MAXIMUM, and how many there are in all."""
    return {"items": [item.model_dump(mode="json") for item in items], "total": total}
