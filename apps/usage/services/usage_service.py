"""Expands batches of usage, creates and drops partitions of usage events, and reads usage and refused calls."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from apps.usage.repositories.refusal_repository import RefusalRepository
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from apps.usage.repositories.usage_event_repository import UsageEventRepository
from apps.usage.schemas.call import Call
from apps.usage.schemas.usage_event import CallsOfHour, CallsToday, ChargedCalls, RefusedCalls, RefusedCallsOfKey

logger = logging.getLogger("keyhouse.background")
PARTITION_DAYS_AHEAD = 14
# Batches that one statement expands: it takes about 10 ms, and verification meanwhile waits for nothing.
BATCHES_AT_ONCE = 16
VACUUM_AFTER = 1000  # expanded batches
SHOWN_MAXIMUM = 50  # calls
COUNTED_MAXIMUM = 10_000  # calls of a customer
COUNTED_AN_HOUR = 1_000


class UsageService:
    """Manages usage events and refused calls, which verification writes.

    A single call is kept for `history_hours`. The methods that read are for callers that have checked who may.
    """

    def __init__(
        self,
        events: UsageEventRepository,
        denials: UsageDenialRepository,
        refusals: RefusalRepository,
        history_hours: int,
        retention_days: int = 0,
    ) -> None:
        self._events = events
        self._denials = denials
        self._refusals = refusals
        self._history_hours = history_hours
        self._retention_days = retention_days
        self._expanded = 0  # since the last vacuum

    async def prepare_partitions(self) -> None:
        """Create missing partitions for the coming two weeks; later events are stored in the default partition."""
        await self._events.create_partitions(PARTITION_DAYS_AHEAD)

    async def maintain_partitions(self) -> bool:
        """Create missing partitions, and drop the oldest if it is due; return whether more may be due.

        With `retention_days` 0, none is dropped.
        """
        await self.prepare_partitions()
        if not self._retention_days:
            return False
        dropped = await self._events.drop_oldest_partition(self._retention_days)
        if dropped is not None:
            logger.info("usage-partitions: %s dropped, which is older than USAGE_RETENTION_DAYS", dropped)
        return dropped is not None

    async def expand_batches(self) -> bool:
        """Expand the oldest batches of usage to usage events and ledger entries; return whether more may be due."""
        expanded = await self._events.expand_batches(BATCHES_AT_ONCE)
        self._expanded += expanded
        if self._expanded >= VACUUM_AFTER:
            self._expanded = 0
            await self._events.vacuum_batches()
        return expanded == BATCHES_AT_ONCE

    async def recent_refusals(self, api_key_id: int) -> list[RefusedCalls]:
        """Return the reasons for which the key's calls were refused in the last day, the most recent first."""
        found = await self._denials.count_recent(api_key_id)
        return [
            RefusedCalls(code=code, detail=detail, count=count, last_at=last_at)
            for code, detail, count, last_at in found
        ]

    async def refused_calls_of_key(self, api_key_id: int, maximum: int = SHOWN_MAXIMUM) -> list[Call]:
        """Return the last refused calls of the key, the newest first."""
        return [Call.refused(row) for row in await self._refusals.newest_of_key(api_key_id, maximum)]

    async def refused_calls_of_customer(self, user_id: int, maximum: int = SHOWN_MAXIMUM) -> list[Call]:
        """Return the last refused calls of the account's keys, the newest first."""
        return [Call.refused(row) for row in await self._refusals.newest_of_customer(user_id, maximum)]

    async def calls_with_request_id(self, request_id: str, user_id: int | None) -> list[Call]:
        """Return the calls with this request id: the allowed ones, and the samples of refused ones.

        Those of the account's keys or, with None, of all.
        """
        allowed = await self._events.with_request_id(request_id, user_id, self._history_hours, SHOWN_MAXIMUM)
        refused = await self._refusals.with_request_id(request_id, user_id, SHOWN_MAXIMUM)
        return [*map(Call.allowed, allowed), *map(Call.refused, refused)]

    async def last_refusals(self, key_ids: Sequence[int]) -> list[RefusedCallsOfKey]:
        """Return why a call of each of these keys was last refused in the last day, the newest first.

        For callers that have checked who may read the keys.
        """
        found = await self._denials.last_of_keys(key_ids)
        return [
            RefusedCallsOfKey(api_key_id=key_id, code=code, detail=detail, count=count, last_at=minute_at)
            for key_id, code, detail, count, minute_at in found
        ]

    async def calls_today(self, user_id: int, key_ids: Sequence[int]) -> CallsToday:
        """Return the number of calls since midnight (UTC): allowed ones of the customer, and refused ones of the keys.

        For callers that have checked who may read the keys.
        """
        allowed, refused = await self._events.calls_today(user_id, key_ids, COUNTED_MAXIMUM + 1)
        is_more = allowed > COUNTED_MAXIMUM
        return CallsToday(allowed=min(allowed, COUNTED_MAXIMUM), allowed_is_more=is_more, refused=refused)

    async def calls_by_hour(self, user_id: int, key_ids: Sequence[int]) -> list[CallsOfHour]:
        """Return the calls of each of the last 24 hours, the oldest first: allowed ones of the customer, up to
        COUNTED_AN_HOUR, and refused ones of the keys.

        For callers that have checked who may read the keys.
        """
        found = await self._events.calls_by_hour(user_id, key_ids, COUNTED_AN_HOUR + 1)
        return [
            CallsOfHour(
                hour=hour,
                allowed=min(allowed, COUNTED_AN_HOUR),
                allowed_is_more=allowed > COUNTED_AN_HOUR,
                refused=refused,
            )
            for hour, allowed, refused in found
        ]

    async def charged_calls(self, user_id: int, entries: Mapping[int, datetime]) -> dict[int, list[ChargedCalls]]:
        """Return the calls that each of these ledger entries of the customer charges, by its id.

        `entries` are ids with their times. For callers that have checked who may read them.
        """
        charged: dict[int, list[ChargedCalls]] = {}
        for found in await self._events.calls_of_entries(user_id, entries):
            calls = ChargedCalls(api_key_id=found.api_key_id, calls=found.calls, request_id=found.request_id)
            charged.setdefault(found.entry_id, []).append(calls)
        return charged
