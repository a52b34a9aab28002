"""Responses that are kept for retries."""

from apps.idempotency.models.idempotent_response import IdempotentResponse

__all__ = ["IdempotentResponse"]
