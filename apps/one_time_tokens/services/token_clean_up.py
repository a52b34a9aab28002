"""Removing tokens that are over."""

from apps.core.database.batches import remove_in_batches
from apps.one_time_tokens.repositories.one_time_token_repository import OneTimeTokenRepository


class TokenCleanUp:
    """Removes tokens that expired a day ago, and voids those of an account that ends."""

    def __init__(self, tokens: OneTimeTokenRepository) -> None:
        self._tokens = tokens

    async def run(self) -> int:
        """Remove them in batches, and return how many."""
        return await remove_in_batches(self._tokens.remove_expired)

    def void_all(self, user_id: int) -> None:
        """Make every unspent token of the account good no more, in the transaction open on this thread."""
        self._tokens.void_all(user_id)

    def erase(self, user_id: int) -> None:
        """Remove all tokens of the account, whose data may name an address. It is an `ErasePersonalData`."""
        self._tokens.remove_all(user_id)
