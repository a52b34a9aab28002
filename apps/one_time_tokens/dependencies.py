"""Builds this room's services."""

from functools import cache

from apps.one_time_tokens.repositories.one_time_token_repository import OneTimeTokenRepository
from apps.one_time_tokens.services.account_tokens import AccountTokens
from apps.one_time_tokens.services.one_time_tokens import OneTimeTokens
from apps.one_time_tokens.services.token_clean_up import TokenCleanUp


def one_time_tokens(purpose: str, ttl_seconds: int) -> OneTimeTokens:
    """Return the tokens of a purpose, which are good for so long."""
    return OneTimeTokens(OneTimeTokenRepository(), purpose, ttl_seconds)


@cache
def account_tokens() -> AccountTokens:
    """Return the service for all tokens of an account."""
    return AccountTokens(OneTimeTokenRepository())


@cache
def token_clean_up() -> TokenCleanUp:
    """Return the service that removes tokens that are over."""
    return TokenCleanUp(OneTimeTokenRepository())
