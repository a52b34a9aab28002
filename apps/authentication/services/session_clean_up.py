"""Removing what is over."""

from apps.authentication.repositories.session_clean_up_repository import SessionCleanUpRepository
from apps.authentication.schemas import SessionCleanedUp
from apps.core.database.batches import remove_in_batches


class SessionCleanUp:
    """Removes login attempts, sessions and signing keys that no answer depends on any more."""

    def __init__(self, rows: SessionCleanUpRepository) -> None:
        self._rows = rows

    async def run(self) -> SessionCleanedUp:
        """Remove them in batches, and return how many; the admin's sessions are only counted."""
        return SessionCleanedUp(
            login_attempts=await remove_in_batches(self._rows.remove_login_attempts),
            sessions=await remove_in_batches(self._rows.remove_sessions),
            signing_keys=await remove_in_batches(self._rows.remove_signing_keys),
            admin_sessions=await self._rows.expired_admin_sessions(),
        )
