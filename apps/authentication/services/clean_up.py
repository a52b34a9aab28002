"""Removing what is over."""

from collections.abc import Awaitable, Callable

from apps.authentication.repositories.clean_up_repository import CleanUpRepository

BATCH_SIZE = 1000  # rows a statement removes, and so locks


class CleanUp:
    """Removes what no answer depends on any more, in batches; each method returns how many rows it was."""

    def __init__(self, rows: CleanUpRepository, batch_size: int = BATCH_SIZE) -> None:
        self._rows = rows
        self._batch_size = batch_size

    async def login_attempts(self) -> int:
        """Remove counts of wrong passwords that are forgiven, and clients that are known no more."""
        return await self._in_batches(self._rows.remove_login_attempts)

    async def sessions(self) -> int:
        """Remove sessions that were over long ago."""
        return await self._in_batches(self._rows.remove_sessions)

    async def signing_keys(self) -> int:
        """Remove signing keys that retired long ago."""
        return await self._in_batches(self._rows.remove_signing_keys)

    async def admin_sessions(self) -> int:
        """Remove what is kept of browsers whose session of the admin has expired."""
        return await self._in_batches(self._rows.remove_admin_sessions)

    async def _in_batches(self, remove: Callable[[int], Awaitable[int]]) -> int:
        total = 0
        while removed := await remove(self._batch_size):
            total += removed
        return total
