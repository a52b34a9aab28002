"""Removing called-back tokens that have ended anyway."""

from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository

BATCH_SIZE = 1000  # rows a statement removes, and so locks


class RevokedCleanUp:
    """Removes tokens that ended an hour ago."""

    def __init__(self, revoked: RevokedTokenRepository, batch_size: int = BATCH_SIZE) -> None:
        self._revoked = revoked
        self._batch_size = batch_size

    async def run(self) -> int:
        """Remove them in batches, and return how many."""
        total = 0
        while removed := await self._revoked.remove_expired(self._batch_size):
            total += removed
        return total
