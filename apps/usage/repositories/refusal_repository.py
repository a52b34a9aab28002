"""Writes, reads and removes samples of refused calls."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import orjson
from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.core.database.orm.queries import count, fetch_all
from apps.core.database.orm.writes import delete
from apps.core.database.statements import fetch_rows, load_statements
from apps.usage.domain.calls import RefusedCall
from apps.usage.models import Refusal

SQL = load_statements(Path(__file__).with_name("refusals.sql"))
IN_ALL = 1_000_000  # about a gigabyte with its indexes


class RefusalRepository:
    """The rows of refusals: of each key the newest `per_key`, of all the newest `in_all`, for `hours`."""

    def __init__(self, per_key: int, hours: int, in_all: int = IN_ALL) -> None:
        self._per_key = per_key
        self._hours = hours
        self._in_all = in_all

    async def write(self, calls: Sequence[RefusedCall]) -> None:
        """Add the calls, and remove those that they replace."""
        columns = orjson.dumps([call.columns() for call in calls]).decode()
        await fetch_rows(SQL["write"], {"calls": columns, "per_key": self._per_key, "in_all": self._in_all})

    async def newest_of_key(self, api_key_id: int, maximum: int) -> list[Refusal]:
        """Return up to `maximum` of the key's refusals, the newest first."""
        return await fetch_all(self._recent().filter(api_key_id=api_key_id)[:maximum])

    async def newest_of_customer(self, user_id: int, maximum: int) -> list[Refusal]:
        """Return up to `maximum` of the refusals of the customer's keys, the newest first."""
        return await fetch_all(self._recent().filter(user_id=user_id)[:maximum])

    async def with_request_id(self, request_id: str, user_id: int | None, maximum: int) -> list[Refusal]:
        """Return up to `maximum` refusals with this request id, of the account's keys or, with None, of all."""
        found = self._recent().filter(request_id=request_id)
        return await fetch_all((found if user_id is None else found.filter(user_id=user_id))[:maximum])

    async def count_of_customer(self, user_id: int) -> int:
        """Return how many refusals of the customer's keys there are."""
        return await count(self._recent().filter(user_id=user_id))

    async def erase(self, user_id: int) -> None:
        """Delete the refusals of the customer's keys."""
        await delete(Refusal.objects.filter(user_id=user_id))

    async def remove_old(self, maximum: int) -> int:
        """Remove up to `maximum` refusals that are older than `hours`, skipping locked ones, and return how many."""
        rows = await fetch_rows(SQL["remove_old"], {"maximum": maximum, "hours": self._hours})
        return int(rows[0][0])

    def _recent(self) -> QuerySet[Refusal]:
        return Refusal.objects.filter(occurred_at__gt=Now() - timedelta(hours=self._hours)).order_by("-id")
