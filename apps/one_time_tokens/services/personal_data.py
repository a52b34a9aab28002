"""The personal data in one-time tokens."""

from apps.core.declarations import PersonalData
from apps.one_time_tokens.repositories.one_time_token_repository import OneTimeTokenRepository


class TokenPersonalData(PersonalData):
    """Erases the tokens of an account, whose data may hold an e-mail address."""

    def __init__(self, tokens: OneTimeTokenRepository) -> None:
        self._tokens = tokens

    async def erase(self, user_id: int) -> None:
        """Remove all tokens of the account, spent or not."""
        await self._tokens.remove_all(user_id)
