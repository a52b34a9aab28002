"""Stores and spends one-time tokens."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from apps.core.database.statements import execute, fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("one_time_tokens.sql"))


class NewToken(NamedTuple):
    """A token to be stored."""

    purpose: str
    digest: bytes
    user_id: int | None
    data: Mapping[str, Any]
    ttl_seconds: int

    @property
    def parameters(self) -> list[Any]:
        """The columns' values, in order."""
        return [self.purpose, self.digest, self.user_id, json.dumps(dict(self.data)), self.ttl_seconds]


class StoredToken(NamedTuple):
    """The account and the data of a valid token."""

    user_id: int | None
    data: dict[str, Any]


class OneTimeTokenRepository:
    """The tokens' rows. Each method is one statement."""

    async def insert(self, new: NewToken) -> None:
        """Insert a token."""
        await execute(SQL["issue"], new.parameters)

    async def was_issued_within(self, purpose: str, user_id: int, seconds: int) -> bool:
        """Return whether a token was issued to the account within `seconds`, even if it is spent, unless it is void."""
        return bool((await fetch_rows(SQL["was_issued_within"], [purpose, user_id, seconds]))[0][0])

    async def void(self, purpose: str, user_id: int) -> None:
        """Remove the account's unspent tokens of a purpose."""
        await execute(SQL["void"], [purpose, user_id])

    async def void_all(self, user_id: int) -> None:
        """Remove all unspent tokens of the account."""
        await execute(SQL["void_all"], [user_id])

    async def remove_all(self, user_id: int) -> None:
        """Remove all tokens of the account, spent or not."""
        await execute(SQL["remove_all"], [user_id])

    async def spend(self, digest: bytes) -> StoredToken | None:
        """Spend the token and return its content, or None when it is not valid."""
        return _stored(await fetch_rows(SQL["spend"], [digest]))

    async def find(self, digest: bytes) -> StoredToken | None:
        """Return the content of the token without spending it, or None when it is not valid."""
        return _stored(await fetch_rows(SQL["find"], [digest]))

    async def attempt(self, digest: bytes, maximum: int) -> StoredToken | None:
        """Count an attempt and return the token's content, or None if it is not valid or has had `maximum` attempts."""
        return _stored(await fetch_rows(SQL["attempt"], [digest, maximum]))

    async def remove_expired(self, maximum: int) -> int:
        """Remove up to `maximum` tokens that expired a day ago, and return how many."""
        return int((await fetch_rows(SQL["clean_up"], [maximum]))[0][0])


def _stored(rows: Sequence[tuple[Any, ...]]) -> StoredToken | None:
    return StoredToken(rows[0][0], json.loads(rows[0][1])) if rows else None
