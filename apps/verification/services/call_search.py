"""Finds single calls by their request ids."""

from collections.abc import Iterator
from datetime import datetime

import orjson

from apps.core.authorization.catalogue import ACCOUNT_READ, CREDITS_READ, KEYS_READ
from apps.core.authorization.principal import Principal
from apps.usage.domain.calls import UNKNOWN_ID
from apps.usage.schemas.call import Call, RateLimitThen
from apps.usage.services.usage_service import SHOWN_MAXIMUM, UsageService
from apps.verification.repositories.idempotency_repository import IdempotencyRepository

REQUEST_ID_LENGTH_MAXIMUM = 100


class CallSearch:
    """Finds calls of the last hours, allowed or refused.

    Allowed calls are found in usage. A refused call is found as long as it is among the last ones of its key, and any
    that has a request id of its caller's: its response is kept for retries.
    """

    def __init__(self, usage: UsageService, responses: IdempotencyRepository, history_hours: int) -> None:
        self._usage = usage
        self._responses = responses
        self._history_hours = history_hours

    async def find(self, actor: Principal, request_id: str) -> list[Call]:
        """Return the calls with this request id, the newest first: one for each key, as callers choose ids themselves.

        Those of the actor's own keys, and with the scope `keys:read` of all keys, with the balance for those who may
        read it. Raises InsufficientScopes for an API key that may read neither.
        """
        user_id = None if actor.has_scope(KEYS_READ) else actor.owner_id
        if user_id is not None:
            actor.require_scope(ACCOUNT_READ)
        if "\x00" in request_id or len(request_id) > REQUEST_ID_LENGTH_MAXIMUM:
            return []
        calls = await self._usage.calls_with_request_id(request_id, user_id)
        stored = await self._responses.refused(request_id, user_id, self._history_hours, SHOWN_MAXIMUM)
        sampled = {call.key_id for call in calls if not call.is_allowed}
        calls += [call for call in _refused_calls(stored) if call.key_id not in sampled]
        newest_first = sorted(calls, key=lambda call: call.occurred_at, reverse=True)
        return [as_shown_to(actor, call) for call in newest_first]


def as_shown_to(actor: Principal, call: Call) -> Call:
    """Return the call, without its balance unless the actor may read the balance of the key's owner."""
    if call.balance is None or actor.may_read(call.user_id or UNKNOWN_ID, CREDITS_READ):
        return call
    return call.model_copy(update={"balance": None})


def _refused_calls(stored: list[tuple[datetime, str]]) -> Iterator[Call]:
    for answered_at, response in stored:
        then = orjson.loads(response)
        yield Call(
            request_id=then["request_id"],
            occurred_at=answered_at,
            code=then["code"],
            detail=then.get("detail"),
            key_id=then["key_id"],
            user_id=then["user_id"],
            rate_limits=[RateLimitThen.model_validate(limit) for limit in then["rate_limits"]],
            balance=then["balance"],
        )
