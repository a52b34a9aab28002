"""Stores responses for retries."""

from pathlib import Path
from typing import NamedTuple

from apps.core.database.statements import execute, fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("idempotent_responses.sql"))


class StoredResponse(NamedTuple):
    """The digest of the request, and the encrypted response, which is empty once it was taken."""

    fingerprint: bytes
    response_encrypted: bytes

    @property
    def is_taken(self) -> bool:
        """Whether the response was shown, once, and deleted."""
        return not self.response_encrypted


class IdempotentResponseRepository:
    """The responses' rows, by the digest of caller and idempotency key."""

    async def try_lock(self, digest: bytes) -> bool:
        """Lock the idempotency key until the transaction ends; return False when another transaction has locked it."""
        return bool((await fetch_rows(SQL["try_lock"], [digest]))[0][0])

    async def find(self, digest: bytes) -> StoredResponse | None:
        """Return the response to the first request, or None. Lock the key first."""
        rows = await fetch_rows(SQL["find"], [digest])
        return StoredResponse(*map(bytes, rows[0])) if rows else None

    async def insert(self, digest: bytes, response: StoredResponse) -> None:
        """Insert the response of a locked key."""
        await execute(SQL["insert"], [digest, *response])

    async def replace(self, digest: bytes, response: StoredResponse) -> None:
        """Insert the response of a locked key, or replace the former one."""
        await execute(SQL["replace"], [digest, *response])

    async def blank(self, digest: bytes) -> None:
        """Remove the content of the response of a locked key. The key stays taken."""
        await execute(SQL["blank"], [digest])

    async def remove_old(self, maximum: int) -> int:
        """Remove up to `maximum` responses that are older than a day, and return how many."""
        return int((await fetch_rows(SQL["remove_old"], [maximum]))[0][0])
