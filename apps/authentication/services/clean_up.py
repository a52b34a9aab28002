"""Deleting expired rows."""

from apps.authentication.repositories.clean_up_repository import CleanUpRepository
from apps.core.database.batches import remove_in_batches


class CleanUp:
    """Deletes expired rows in batches; each method returns how many."""

    def __init__(self, rows: CleanUpRepository) -> None:
        self._rows = rows

    async def login_attempts(self) -> int:
        """Delete counts of wrong passwords that no longer lock out or remember a client."""
        return await remove_in_batches(self._rows.delete_login_attempts)

    async def sessions(self) -> int:
        """Delete sessions that ended 90 days ago."""
        return await remove_in_batches(self._rows.delete_sessions)

    async def signing_keys(self) -> int:
        """Delete signing keys that retired 30 days ago."""
        return await remove_in_batches(self._rows.delete_signing_keys)

    async def admin_sessions(self) -> int:
        """Delete browser sessions of the admin that have expired."""
        return await remove_in_batches(self._rows.delete_admin_sessions)
