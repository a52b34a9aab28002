"""What an app keeps of a person: each says what it is, and how it is erased."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple

# Erases what the app keeps of the account, in the transaction that is open on the calling thread.
ErasePersonalData = Callable[[int], None]
# The same for what is kept under the address that the account had until it was deleted, at this moment.
EraseAddress = Callable[[str, datetime], None]
# Returns what the app keeps of the account, as schemas, or by name in `dict`s; no secret is among it.
ExportPersonalData = Callable[[int], Awaitable[Any]]


class ExportSection(NamedTuple):
    """A part of an export: its name there, and who makes it."""

    name: str
    export: ExportPersonalData
