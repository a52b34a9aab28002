"""One-time tokens of a purpose, and all tokens of an account."""

import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from apps.one_time_tokens.repositories.one_time_token_repository import (
    NewToken,
    OneTimeTokenRepository,
    StoredToken,
)

TOKEN_BYTES = 32
NO_ACCOUNT = 0  # the id of no account
NO_DATA: Mapping[str, Any] = {}


class OneTimeTokens:
    """The tokens of one purpose: opaque text of 256 random bits, of which only a digest is stored.

    Every method joins the caller's transaction, so that a token is spent if and only if its operation succeeds. Those
    that say so are one statement, and may also be called without an open transaction.
    """

    def __init__(self, tokens: OneTimeTokenRepository, purpose: str, ttl_seconds: int) -> None:
        self._tokens = tokens
        self._purpose = purpose
        self.ttl_seconds = ttl_seconds

    async def issue(self, user_id: int, data: Mapping[str, Any] = NO_DATA) -> str:
        """Issue a token to the account; its earlier tokens of this purpose become invalid."""
        await self._tokens.void(self._purpose, user_id)
        return await self.issue_another(user_id, data)

    async def issue_another(self, user_id: int | None, data: Mapping[str, Any] = NO_DATA) -> str:
        """Issue a token that belongs to the account, or to none; existing tokens stay valid. One statement."""
        token, new = self._new(user_id, data)
        await self._tokens.insert(new)
        return token

    async def pretend(self) -> None:
        """Run as many statements as issuing a token and enqueueing a message, without effect.

        For operations whose duration must not reveal whether an account exists. The stored tokens are random
        and expire immediately.
        """
        await self._tokens.void(self._purpose, NO_ACCOUNT)
        for _ in ("in place of the token", "in place of the message"):
            _, new = self._new(None, NO_DATA)
            await self._tokens.insert(new._replace(ttl_seconds=0))

    async def spend(self, token: str) -> StoredToken | None:
        """Spend the token and return its content; None when it is unknown, spent, expired or void. One
        statement.
        """
        return await self._tokens.spend(self._digest(token))

    async def find(self, token: str) -> StoredToken | None:
        """Return the content of a valid token without spending it, otherwise None. One statement."""
        return await self._tokens.find(self._digest(token))

    async def attempt(self, token: str, maximum: int) -> StoredToken | None:
        """Return the content of a valid token for its first `maximum` attempts, then None. One statement."""
        return await self._tokens.attempt(self._digest(token), maximum)

    async def was_issued_within(self, user_id: int, seconds: int) -> bool:
        """Return whether a token was issued to the account within `seconds`. Exact while the account is locked."""
        return await self._tokens.was_issued_within(self._purpose, user_id, seconds)

    async def void(self, user_id: int) -> None:
        """Void the account's tokens of this purpose."""
        await self._tokens.void(self._purpose, user_id)

    def _new(self, user_id: int | None, data: Mapping[str, Any]) -> tuple[str, NewToken]:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        return token, NewToken(self._purpose, self._digest(token), user_id, data, self.ttl_seconds)

    def _digest(self, token: str) -> bytes:
        # The purpose is part of the digest, so a token is valid for one purpose only.
        return sha256(f"{self._purpose}\x00{token}".encode(errors="replace")).digest()


class AccountTokens:
    """Voids tokens in the caller's transaction."""

    def __init__(self, tokens: OneTimeTokenRepository) -> None:
        self._tokens = tokens

    async def void_all(self, user_id: int) -> None:
        """Void every unspent token of the account."""
        await self._tokens.void_all(user_id)
