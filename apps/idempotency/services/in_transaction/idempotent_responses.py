"""Gives a retry the response to its first request, by its idempotency key.

draft-ietf-httpapi-idempotency-key-header-07; `apps/core/http/idempotency_keys.py` reads the header.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self

import orjson

from apps.core.authorization.principal import Principal
from apps.core.crypto.encryption import decrypt, encrypt
from apps.core.errors import Conflict, ValidationFailed
from apps.idempotency.repositories.idempotent_response_repository import IdempotentResponseRepository, StoredResponse

PURPOSE = "idempotent response"


class IdempotencyKeyInUse(Conflict):
    """A request with this idempotency key is being processed."""

    code, message = "IDEMPOTENCY_KEY_IN_USE", "A request with this Idempotency-Key is being processed. Retry shortly."


class IdempotencyKeyReused(ValidationFailed):
    """The idempotency key belongs to another request of the caller."""

    code, message = "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key belongs to another request. Use a new one."


class ResponseUnreadable(Conflict):
    """The request was processed before SECRET_KEY was replaced, so its response cannot be decrypted."""

    code = "IDEMPOTENT_RESPONSE_UNREADABLE"
    message = "The request has been processed, but its response can no longer be read. Send a new Idempotency-Key."


class ResponseTaken(Conflict):
    """The response was shown, once, and deleted."""

    code = "IDEMPOTENT_RESPONSE_SHOWN"
    message = "The request has been processed, and its response was shown. Send a new Idempotency-Key."


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request with an idempotency key, which belongs to its caller: a user, in any session, an API key, or the
    operator."""

    digest: bytes
    fingerprint: bytes
    key: str = field(repr=False)

    @classmethod
    def of(cls, actor: Principal, key: str | None, operation: str, *values: Any) -> Self | None:
        """Return the request for the operation with these values, as JSON or text; None without a key."""
        if key is None:
            return None
        caller = [actor.kind, actor.user_id, actor.api_key_id]
        content = orjson.dumps([operation, *values], default=str, option=orjson.OPT_SORT_KEYS)
        return cls(sha256(orjson.dumps([caller, key])).digest(), sha256(content).digest(), key)


class IdempotentResponses:
    """Finds and stores responses, in the transaction of the operation. Without a request, it does nothing."""

    def __init__(self, responses: IdempotentResponseRepository) -> None:
        self._responses = responses

    async def find(self, request: IdempotentRequest | None) -> bytes | None:
        """Lock the idempotency key, before anything else is locked, and return the response to the first request.

        Raises IdempotencyKeyInUse, IdempotencyKeyReused, ResponseUnreadable, ResponseTaken. Returns None if this is the
        first request.
        """
        if request is None:
            return None
        if not await self._responses.try_lock(request.digest):
            raise IdempotencyKeyInUse(retry_after_seconds=1)
        stored = await self._responses.find(request.digest)
        return None if stored is None else _response(request, stored)

    async def take(self, request: IdempotentRequest) -> bytes | None:
        """Return the response under this idempotency key, whatever the request was, and delete its content.

        Returns None if there is none, or if it was taken. Raises IdempotencyKeyInUse, ResponseUnreadable.
        """
        if not await self._responses.try_lock(request.digest):
            raise IdempotencyKeyInUse(retry_after_seconds=1)
        stored = await self._responses.find(request.digest)
        if stored is None or stored.is_taken:
            return None
        response = _decrypted(request, stored)
        await self._responses.blank(request.digest)
        return response

    async def store(self, request: IdempotentRequest | None, response: bytes) -> None:
        """Store the response to the first request, encrypted, until a clean-up task deletes it after a day."""
        if request is not None:
            await self._responses.insert(request.digest, _stored(request, response))

    async def replace(self, request: IdempotentRequest | None, response: bytes) -> None:
        """Store the response as `store` does, in place of a former one. Find that first, which locks the key."""
        if request is not None:
            await self._responses.replace(request.digest, _stored(request, response))


def _stored(request: IdempotentRequest, response: bytes) -> StoredResponse:
    # A kilobyte, in less time than a statement takes. Before the transaction the response is not known.
    return StoredResponse(request.fingerprint, encrypt(response, _purpose(request)))


def _response(request: IdempotentRequest, stored: StoredResponse) -> bytes:
    if stored.fingerprint != request.fingerprint:
        raise IdempotencyKeyReused
    if stored.is_taken:
        raise ResponseTaken
    return _decrypted(request, stored)


def _decrypted(request: IdempotentRequest, stored: StoredResponse) -> bytes:
    response = decrypt(stored.response_encrypted, _purpose(request))
    if response is None:
        raise ResponseUnreadable
    return response


def _purpose(request: IdempotentRequest) -> str:
    return f"{PURPOSE} {request.digest.hex()} {request.key}"
