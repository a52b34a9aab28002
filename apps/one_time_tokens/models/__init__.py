"""One-time tokens."""

from apps.one_time_tokens.models.one_time_token import OneTimeToken

__all__ = ["OneTimeToken"]
