"""Removing expired tokens."""

from apps.core.database.batches import remove_in_batches
from apps.one_time_tokens.repositories.one_time_token_repository import OneTimeTokenRepository


class TokenCleanUp:
    """Removes tokens that expired a day ago."""

    def __init__(self, tokens: OneTimeTokenRepository) -> None:
        self._tokens = tokens

    async def run(self) -> int:
        """Remove the tokens in batches, and return how many."""
        return await remove_in_batches(self._tokens.remove_expired)
