"""Stores and spends one-time tokens."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows
from apps.core.database.transactions import run_statement

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
    """What is known of a token that is good."""

    user_id: int | None
    data: dict[str, Any]


class OneTimeTokenRepository:
    """The tokens' rows. Each method is one statement; those that are not async run in the transaction that is open
    on the calling thread."""

    def add(self, new: NewToken) -> None:
        """Insert a token."""
        run_statement(SQL["issue"], new.parameters)

    async def add_alone(self, new: NewToken) -> None:
        """Insert a token, in a transaction of its own."""
        await fetch_rows(SQL["issue"], new.parameters)

    def was_issued_within(self, purpose: str, user_id: int, seconds: int) -> bool:
        """Return whether a token of the user's that is not void, spent or not, is younger."""
        return bool(run_statement(SQL["was_issued_within"], [purpose, user_id, seconds])[0][0])

    def void(self, purpose: str, user_id: int) -> None:
        """Remove the user's unspent tokens of a purpose."""
        run_statement(SQL["void"], [purpose, user_id])

    def void_all(self, user_id: int) -> None:
        """Remove all unspent tokens of the user."""
        run_statement(SQL["void_all"], [user_id])

    def remove_all(self, user_id: int) -> None:
        """Remove all tokens of the user, spent or not."""
        run_statement(SQL["remove_all"], [user_id])

    def spend(self, digest: bytes) -> StoredToken | None:
        """Use the token up; None when it is not good any more, or never was."""
        return _stored(run_statement(SQL["spend"], [digest]))

    async def spend_alone(self, digest: bytes) -> StoredToken | None:
        """Use the token up, in a transaction of its own; None when it is not good any more, or never was."""
        return _stored(await fetch_rows(SQL["spend"], [digest]))

    async def find(self, digest: bytes) -> StoredToken | None:
        """Return the token and leave it unspent; None when it is not good."""
        return _stored(await fetch_rows(SQL["find"], [digest]))

    async def attempt(self, digest: bytes, maximum: int) -> StoredToken | None:
        """Count an attempt and leave the token unspent; None when it is not good, or has been tried so often."""
        return _stored(await fetch_rows(SQL["attempt"], [digest, maximum]))

    async def remove_expired(self, maximum: int) -> int:
        """Remove at most so many tokens that expired a day ago, and return how many."""
        return int((await fetch_rows(SQL["clean_up"], [maximum]))[0][0])


def _stored(rows: Sequence[tuple[Any, ...]]) -> StoredToken | None:
    return StoredToken(rows[0][0], json.loads(rows[0][1])) if rows else None
