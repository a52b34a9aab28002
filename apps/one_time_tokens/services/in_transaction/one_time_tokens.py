"""Single-use tokens of a purpose, and all those of an account."""

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

    Every method joins the caller's transaction, so that a token is spent if and only if what it allows is done. Those
    that say so are one statement, and may also be called where no transaction is open.
    """

    def __init__(self, tokens: OneTimeTokenRepository, purpose: str, ttl_seconds: int) -> None:
        self._tokens = tokens
        self._purpose = purpose
        self.ttl_seconds = ttl_seconds

    async def issue(self, user_id: int, data: Mapping[str, Any] = NO_DATA) -> str:
        """Issue a token to the account; its earlier ones for this purpose become invalid."""
        await self._tokens.void(self._purpose, user_id)
        return await self.issue_another(user_id, data)

    async def issue_another(self, user_id: int | None, data: Mapping[str, Any] = NO_DATA) -> str:
        """Issue a token that belongs to the account, or to none; existing tokens stay valid. One statement."""
        token, new = self._new(user_id, data)
        await self._tokens.insert(new)
        return token

    async def pretend(self) -> None:
        """Run as many statements of the same kind as `issue` and enqueueing a message, to no effect.

        For operations whose duration must not reveal whether an account exists. The tokens that it stores are unknown
        to everyone and expire at once.
        """
        await self._tokens.void(self._purpose, NO_ACCOUNT)
        for _ in ("in place of the token", "in place of the message"):
            _, new = self._new(None, NO_DATA)
            await self._tokens.insert(new._replace(ttl_seconds=0))

    async def spend(self, token: str) -> StoredToken | None:
        """Spend the token and return what it stands for; None when it is unknown, spent, expired or void. One
        statement.
        """
        return await self._tokens.spend(self._digest(token))

    async def find(self, token: str) -> StoredToken | None:
        """Return what a valid token stands for, else None; the token stays valid. One statement."""
        return await self._tokens.find(self._digest(token))

    async def attempt(self, token: str, maximum: int) -> StoredToken | None:
        """Return what a valid token stands for at its first `maximum` attempts, and None afterwards. One statement."""
        return await self._tokens.attempt(self._digest(token), maximum)

    async def was_issued_within(self, user_id: int, seconds: int) -> bool:
        """Return whether the account's last token is younger; exact while the account is locked."""
        return await self._tokens.was_issued_within(self._purpose, user_id, seconds)

    async def void(self, user_id: int) -> None:
        """Make the account's tokens for this purpose invalid."""
        await self._tokens.void(self._purpose, user_id)

    def _new(self, user_id: int | None, data: Mapping[str, Any]) -> tuple[str, NewToken]:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        return token, NewToken(self._purpose, self._digest(token), user_id, data, self.ttl_seconds)

    def _digest(self, token: str) -> bytes:
        # The purpose is digested too: a token is valid for nothing else.
        return sha256(f"{self._purpose}\x00{token}".encode(errors="replace")).digest()


class AccountTokens:
    """Voids tokens in the caller's transaction."""

    def __init__(self, tokens: OneTimeTokenRepository) -> None:
        self._tokens = tokens

    async def void_all(self, user_id: int) -> None:
        """Make every unspent token of the account invalid."""
        await self._tokens.void_all(user_id)
