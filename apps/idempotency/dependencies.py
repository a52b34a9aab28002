"""Builds this app's services."""

from functools import cache

from apps.idempotency.repositories.idempotent_response_repository import IdempotentResponseRepository
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentResponses


@cache
def idempotent_responses() -> IdempotentResponses:
    """Return the service that keeps responses for retries."""
    return IdempotentResponses(IdempotentResponseRepository())
