"""Rate limits of client addresses, and the cache that counts them: Django's CACHES."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from redis import ConnectionPool

from config.environment.variables import EnvironmentSettings, matching

# Valkey uses Redis' protocol, but the Redis client accepts only Redis' schemes.
SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss"}
IN_POSTGRESQL = {
    "BACKEND": "apps.core.rate_limits.postgresql_counter_cache.PostgresqlCounterCache",
    "LOCATION": "rate_limit_counters",
}
KEY_PREFIX = "keyhouse"

Rate = Annotated[
    str, matching(r"[1-9]\d*/([1-9]\d*)?[smhd]", "must be a number and a period, such as 5/m or 100/10m (s, m, h, d)")
]


def redis_url(url: str) -> str:
    """Return the URL with a scheme that the Redis client accepts; it may be empty.

    Raises ValueError, without the URL, which may hold a password.
    """
    if not url:
        return url
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ValueError("must start with redis://, rediss:// (TLS), valkey:// or valkeys:// (TLS)")
    readable = f"{SCHEMES[scheme]}://{rest}"
    try:
        # Created without connecting, so that an unknown option is reported now and not at the first limited call.
        ConnectionPool.from_url(readable).make_connection()
        parts = urlsplit(readable)
    except (ValueError, TypeError):
        raise ValueError("must be a URL that the Redis client can parse") from None
    if not parts.hostname or not re.fullmatch(r"(/\d*)?", parts.path):
        raise ValueError("must have a host and, optionally, the number of a database")
    return readable


class RateLimitSettings(EnvironmentSettings):
    """The rate limits, and the cache of their counters: PostgreSQL unless CACHE_URL is set."""

    cache_url: Annotated[str, AfterValidator(redis_url)] = Field(default="", repr=False)
    login_rate_limit: Rate = "5/m"
    public_rate_limit: Rate = "60/m"


def cache_settings(url: str) -> dict[str, Any]:
    """Return the CACHES entry for a URL that `redis_url` has returned, or for PostgreSQL when it is empty.

    Both have an atomic increment that all workers share, which counters need.
    """
    if not url:
        return IN_POSTGRESQL
    backend = "apps.core.rate_limits.redis_counter_cache.RedisCounterCache"
    return {"BACKEND": backend, "LOCATION": url, "KEY_PREFIX": KEY_PREFIX}
