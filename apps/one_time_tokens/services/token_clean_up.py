"""Removing tokens that are over."""

from apps.one_time_tokens.repositories.one_time_token_repository import OneTimeTokenRepository

BATCH_SIZE = 1000  # rows a statement removes, and so locks


class TokenCleanUp:
    """Removes tokens that expired a day ago."""

    def __init__(self, tokens: OneTimeTokenRepository, batch_size: int = BATCH_SIZE) -> None:
        self._tokens = tokens
        self._batch_size = batch_size

    async def run(self) -> int:
        """Remove them in batches, and return how many."""
        total = 0
        while removed := await self._tokens.remove_expired(self._batch_size):
            total += removed
        return total
