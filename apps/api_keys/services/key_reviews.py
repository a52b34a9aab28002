"""Lists and revokes an account's keys for a reader of its mail, who need not be signed in."""

from typing import Any

from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.schemas.key_review import KeyReviewOut, ReviewedKey
from apps.api_keys.services.in_transaction.key_review_links import NEWEST
from apps.api_keys.services.in_transaction.key_revocation import KeyRevocation
from apps.core.authorization.principal import owner_of
from apps.core.database.transaction import transaction
from apps.core.errors import InvalidToken, NotFound
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.users.services.in_transaction.accounts import Accounts

REASON = "Revoked by its owner, by a link in a mail."


class KeyReviews:
    """Works by the tokens of KeyReviewLinks. A repeated revocation changes nothing and has the same response."""

    def __init__(
        self, keys: ApiKeyRepository, accounts: Accounts, tokens: OneTimeTokens, revocation: KeyRevocation
    ) -> None:
        self._keys = keys
        self._accounts = accounts
        self._tokens = tokens
        self._revocation = revocation

    async def show(self, token: str) -> KeyReviewOut:
        """Return the keys that the token can revoke; raises InvalidToken."""
        return await self._shown(token, *_content(await self._tokens.find(token)))

    async def revoke(self, token: str, key_id: int) -> KeyReviewOut:
        """Revoke the key and what it has created, and return the keys that are left.

        Raises InvalidToken, and NotFound for a key that is newer than the token, or another account's.
        """
        async with transaction():
            user_id, newest_id = await self._lock(token)
            key = await self._keys.lock(key_id)
            if key.user_id != user_id or key.pk > newest_id:
                raise NotFound
            owner = owner_of(user_id)
            await self._revocation.revoke_created(owner, key)
            if key.revoked_at is None:
                await self._revocation.revoke(owner, key, REASON)
            return await self._shown(token, user_id, newest_id)

    async def revoke_all(self, token: str) -> KeyReviewOut:
        """Revoke every key up to the token's newest, and what they have created; raises InvalidToken."""
        async with transaction():
            user_id, newest_id = await self._lock(token)
            await self._revocation.revoke_of_account(owner_of(user_id), user_id, REASON, newest_id=newest_id)
            return await self._shown(token, user_id, newest_id)

    async def _lock(self, token: str) -> tuple[int, int]:
        """Lock the token's account and return its id with the newest key's; the token is checked under the lock."""
        user_id, _ = _content(await self._tokens.find(token))
        try:
            await self._accounts.lock(user_id)
        except NotFound:
            raise InvalidToken from None
        return _content(await self._tokens.find(token))

    async def _shown(self, token: str, user_id: int, newest_id: int) -> KeyReviewOut:
        rows, total = await self._keys.live(user_id, newest_id)
        return KeyReviewOut(token=token, total=total, items=[ReviewedKey.of(row) for row in rows])


def _content(found: Any) -> tuple[int, int]:
    """Return the account and the newest key of a stored token; raises InvalidToken where it is None."""
    if found is None or found.user_id is None:
        raise InvalidToken
    return found.user_id, int(found.data[NEWEST])
