"""Builds this app's services."""

from functools import cache

from apps.one_time_tokens.repositories.one_time_token_repository import OneTimeTokenRepository
from apps.one_time_tokens.services.in_transaction.one_time_tokens import AccountTokens, OneTimeTokens
from apps.one_time_tokens.services.personal_data import TokenPersonalData


def tokens_for(purpose: str, ttl_seconds: int) -> OneTimeTokens:
    """Return the tokens of a purpose, which are valid for `ttl_seconds`."""
    return OneTimeTokens(OneTimeTokenRepository(), purpose, ttl_seconds)


@cache
def tokens_of_accounts() -> AccountTokens:
    """Return the service that voids all tokens of an account."""
    return AccountTokens(OneTimeTokenRepository())


@cache
def token_personal_data() -> TokenPersonalData:
    """Return the service that erases the tokens of an account."""
    return TokenPersonalData(OneTimeTokenRepository())
