"""All single-use tokens of an account, whatever their purpose."""

from apps.one_time_tokens.repositories.one_time_token_repository import OneTimeTokenRepository


class AccountTokens:
    """Voids tokens in the caller's transaction."""

    def __init__(self, tokens: OneTimeTokenRepository) -> None:
        self._tokens = tokens

    async def void_all(self, user_id: int) -> None:
        """Make every unspent token of the account invalid."""
        await self._tokens.void_all(user_id)
