"""Issues the tokens by which owners review the keys of their account from a message, without signing in."""

from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.schemas.key_review import KeyReviewOut, ReviewedKey
from apps.core.schemas.fields import BIGINT_MAXIMUM
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens

NEWEST = "newest_id"


class KeyReviewLinks:
    """Issues tokens in the caller's transaction, which has locked the account.

    A token lists and revokes keys of the account, up to the newest at the time, and does nothing else. It therefore may
    work more than once: a reader revokes one key after another, clicks twice, and reloads the page.
    """

    def __init__(self, keys: ApiKeyRepository, tokens: OneTimeTokens) -> None:
        self._keys = keys
        self._tokens = tokens

    async def issue(self, user_id: int, newest_id: int = BIGINT_MAXIMUM) -> str:
        """Issue a token for the keys up to `newest_id`, by default for later ones too."""
        return await self._tokens.issue_another(user_id, {NEWEST: newest_id})

    async def begin(self, user_id: int) -> KeyReviewOut | None:
        """Return the account's live keys with a token that revokes them; None when there is none."""
        rows, total = await self._keys.live(user_id)
        if not rows:
            return None
        token = await self.issue(user_id, rows[0].pk)
        return KeyReviewOut(token=token, total=total, items=[ReviewedKey.of(row) for row in rows])
