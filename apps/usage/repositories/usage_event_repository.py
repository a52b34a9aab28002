"""Reads usage, expands batches of it to usage events, and creates and drops their partitions."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from apps.core.database.pool import connection
from apps.core.database.statements import fetch_rows, load_statements
from apps.usage.domain.calls import AllowedCall

SQL = load_statements(Path(__file__).with_name("usage_events.sql"))


class UsedOnDay(NamedTuple):
    """The allowed calls of a key on one day (UTC), and their cost in credits."""

    api_key_id: int
    day: date
    calls: int
    cost: Decimal


class CallsOfEntry(NamedTuple):
    """The calls of one key that a ledger entry charges: their number, and the request id of the first."""

    entry_id: int
    api_key_id: int
    calls: int
    request_id: str


class UsageEventRepository:
    """The rows of usage: the batches, which verification writes, and the usage events that they become."""

    async def create_partitions(self, days_ahead: int) -> None:
        """Create the missing partitions of today and the next `days_ahead` days (UTC); safe to run at any time."""
        await fetch_rows("SELECT create_usage_partitions(%s)", [days_ahead])

    async def drop_oldest_partition(self, days: int) -> str | None:
        """Drop the oldest partition if all of it is older than `days` and rolled up, and return its name, or None."""
        name: str | None = (await fetch_rows(SQL["drop_oldest_partition"], {"days": days}))[0][0]
        return name

    async def by_key_and_day(self, user_id: int, maximum: int) -> tuple[list[UsedOnDay], int]:
        """Return up to `maximum` rows of the last 31 days, the newest first, and how many there are."""
        rows = await fetch_rows(SQL["by_key_and_day"], {"user_id": user_id, "maximum": maximum})
        return [UsedOnDay(*row[:-1]) for row in rows], rows[0][-1] if rows else 0

    async def with_request_id(
        self, request_id: str, user_id: int | None, hours: int, maximum: int
    ) -> list[AllowedCall]:
        """Return the allowed calls with this request id, the newest first, expanded or pending.

        Up to `maximum` of the last hours, of the account's keys or, with None, of all.
        """
        values = {"request_id": request_id, "user_id": user_id, "hours": hours, "maximum": maximum}
        return [AllowedCall(*row) for row in await fetch_rows(SQL["with_request_id"], values)]

    async def calls_today(self, user_id: int, key_ids: Sequence[int], maximum: int) -> tuple[int, int]:
        """Return how many calls were allowed since midnight (UTC), at most `maximum`, and refused of these keys."""
        values = {"user_id": user_id, "ids": list(key_ids), "maximum": maximum}
        allowed, refused = (await fetch_rows(SQL["calls_today"], values))[0]
        return allowed, refused

    async def calls_by_hour(
        self, user_id: int, key_ids: Sequence[int], maximum: int
    ) -> list[tuple[datetime, int, int]]:
        """Return each of the last 24 hours with its allowed calls, at most `maximum`, and those refused of the keys."""
        values = {"user_id": user_id, "ids": list(key_ids), "maximum": maximum}
        return [(hour, allowed, refused) for hour, allowed, refused in await fetch_rows(SQL["calls_by_hour"], values)]

    async def calls_of_entries(self, user_id: int, entries: Mapping[int, datetime]) -> list[CallsOfEntry]:
        """Return the calls that each of these ledger entries charges; the entries are ids with their times."""
        values = {"user_id": user_id, "ids": list(entries), "times": list(entries.values())}
        return [CallsOfEntry(*row) for row in await fetch_rows(SQL["calls_of_entries"], values)]

    async def expand_batches(self, maximum: int) -> int:
        """Expand up to `maximum` of the oldest batches, and return how many; 0 while another process does."""
        async with connection() as borrowed:
            # Planned each time: the table is empty now and long a moment later.
            rows = await (await borrowed.execute(SQL["expand_batches"], [maximum], prepare=False)).fetchall()
        return int(rows[0][0])

    async def vacuum_batches(self) -> None:
        """Make the space of expanded batches free, unless another process does."""
        async with connection() as borrowed:  # not `execute`, which opens a transaction for a pooler
            await borrowed.execute(SQL["vacuum_batches"], prepare=False)
