"""Turns the address of a Redis or Valkey server into Django's CACHES entry."""

import re
from typing import Any
from urllib.parse import urlsplit

from redis import ConnectionPool

# Valkey speaks Redis' protocol, and Redis' client knows only its own names for it.
SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss"}
IN_POSTGRESQL = {
    "BACKEND": "apps.core.rate_limits.postgresql_counter_cache.PostgresqlCounterCache",
    "LOCATION": "rate_limit_counters",
}
KEY_PREFIX = "keyhouse"


def cache_settings(url: str) -> dict[str, Any]:
    """Return the CACHES entry for what `redis_url` returns, or without it the one that counts in PostgreSQL.

    Counters that guard something need an atomic increment that all workers share: both have it.
    """
    if not url:
        return IN_POSTGRESQL
    backend = "apps.core.rate_limits.redis_counter_cache.RedisCounterCache"
    return {"BACKEND": backend, "LOCATION": url, "KEY_PREFIX": KEY_PREFIX}


def redis_url(url: str) -> str:
    """Return the address as Redis' client reads it; raises ValueError, without the address, which holds a password."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ValueError("must start with redis://, rediss:// (TLS), valkey:// or valkeys:// (TLS)")
    known = f"{SCHEMES[scheme]}://{rest}"
    try:
        # Made and not connected: an option that does not exist is found here and not at the first limited call.
        ConnectionPool.from_url(known).make_connection()
        parts = urlsplit(known)
    except (ValueError, TypeError):
        raise ValueError("is not an address that Redis' client can read") from None
    if not parts.hostname or not re.fullmatch(r"(/\d*)?", parts.path):
        raise ValueError("must name a host, and then no more than the number of a database")
    return known
