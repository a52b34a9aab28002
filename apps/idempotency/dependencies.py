"""Builds this app's services."""

from functools import cache

from apps.idempotency.repositories.idempotent_response_repository import IdempotentResponseRepository
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentResponses
from apps.idempotency.services.one_time_forms import OneTimeForms


@cache
def idempotent_responses() -> IdempotentResponses:
    """Return the service that keeps responses for retries."""
    return IdempotentResponses(IdempotentResponseRepository())


@cache
def one_time_forms() -> OneTimeForms:
    """Return the service that remembers the submitted forms of the admin."""
    return OneTimeForms(idempotent_responses())
