"""Removing what is over."""

from apps.authentication.repositories.session_clean_up_repository import SessionCleanUpRepository
from apps.core.database.batches import remove_in_batches


class SessionCleanUp:
    """Removes what no answer depends on any more, in batches; each method returns how many rows it was."""

    def __init__(self, rows: SessionCleanUpRepository) -> None:
        self._rows = rows

    async def login_attempts(self) -> int:
        """Remove counts of wrong passwords that are forgiven, and clients that are known no more."""
        return await remove_in_batches(self._rows.remove_login_attempts)

    async def sessions(self) -> int:
        """Remove sessions that were over long ago."""
        return await remove_in_batches(self._rows.remove_sessions)

    async def signing_keys(self) -> int:
        """Remove signing keys that retired long ago."""
        return await remove_in_batches(self._rows.remove_signing_keys)

    async def admin_sessions(self) -> int:
        """Remove what is kept of browsers whose session of the admin has expired."""
        return await remove_in_batches(self._rows.remove_admin_sessions)
