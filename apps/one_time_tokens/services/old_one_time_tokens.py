"""Secrets that are good once, for one purpose, and not for long: links in mail, challenges, codes."""

import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from apps.one_time_tokens.repositories.old_one_time_token_repository import (
    NewToken,
    OneTimeTokenRepository,
    StoredToken,
)

TOKEN_BYTES = 32
NOBODY = 0  # the id of no account
NOTHING: Mapping[str, Any] = {}


class OneTimeTokens:
    """The tokens of one purpose. They are opaque text, 256 random bits, and are stored as a digest alone.

    The methods that are not async work in the transaction that is open on the calling thread, so that a token is spent
    if and only if what it allows is done. Those that are named `…_alone` have a transaction of their own.
    """

    def __init__(self, tokens: OneTimeTokenRepository, purpose: str, ttl_seconds: int) -> None:
        self._tokens = tokens
        self._purpose = purpose
        self.ttl_seconds = ttl_seconds

    def issue(self, user_id: int, data: Mapping[str, Any] = NOTHING) -> str:
        """Return a new token of the user's; the ones before it for this purpose are good no more."""
        self._tokens.void(self._purpose, user_id)
        token, new = self._new(user_id, data)
        self._tokens.add(new)
        return token

    def issue_to_nobody(self, data: Mapping[str, Any]) -> str:
        """Return a new token of somebody who has no account, beside those that are."""
        token, new = self._new(None, data)
        self._tokens.add(new)
        return token

    def pretend(self) -> None:
        """Make as many statements of the same kind as `issue` and the posting of a letter, to no effect.

        For operations whose time must not tell whether there is an account. The tokens that it stores are nobody's,
        known to nobody, and over at once.
        """
        self._tokens.void(self._purpose, NOBODY)
        for _ in ("in place of the token", "in place of the letter"):
            _, new = self._new(None, NOTHING)
            self._tokens.add(new._replace(ttl_seconds=0))

    async def issue_alone(self, user_id: int | None, data: Mapping[str, Any] = NOTHING) -> str:
        """Return a new token beside those that are."""
        token, new = self._new(user_id, data)
        await self._tokens.add_alone(new)
        return token

    def spend(self, token: str) -> StoredToken | None:
        """Use the token up and return what it stands for; None when it is not good: unknown, used, expired, void."""
        return self._tokens.spend(self._digest(token))

    async def spend_alone(self, token: str) -> StoredToken | None:
        """Use the token up and return what it stands for; None when it is not good."""
        return await self._tokens.spend_alone(self._digest(token))

    async def find(self, token: str) -> StoredToken | None:
        """Return what the token stands for, and leave it good; None when it is not."""
        return await self._tokens.find(self._digest(token))

    async def attempt(self, token: str, maximum: int) -> StoredToken | None:
        """Return what the token stands for at its first `maximum` attempts, and leave it good; None afterwards."""
        return await self._tokens.attempt(self._digest(token), maximum)

    def was_issued_within(self, user_id: int, seconds: int) -> bool:
        """Return whether the user's last token is younger; exact while the account is locked."""
        return self._tokens.was_issued_within(self._purpose, user_id, seconds)

    def void(self, user_id: int) -> None:
        """Make the user's tokens for this purpose good no more."""
        self._tokens.void(self._purpose, user_id)

    def _new(self, user_id: int | None, data: Mapping[str, Any]) -> tuple[str, NewToken]:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        return token, NewToken(self._purpose, self._digest(token), user_id, data, self.ttl_seconds)

    def _digest(self, token: str) -> bytes:
        # The purpose is digested too: a token is good for nothing else.
        return sha256(f"{self._purpose}\x00{token}".encode(errors="replace")).digest()
