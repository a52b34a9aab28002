"""A Django cache backend for integers in Redis or Valkey, with an atomic increment."""

from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT

from apps.core.rate_limits.counting_cache import CountingCache
from apps.core.rate_limits.redis_clients import redis_client

# A script is atomic, so a counter that has just expired is not created again without an expiry.
INCREMENT_IF_EXISTS = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
return redis.call('INCRBY', KEYS[1], ARGV[1])
"""
KEYS_AT_ONCE = 500


class RedisCounterCache(CountingCache):
    """Stores integers. Methods raise Unavailable when the server cannot be reached: uncounted calls are rejected.

    The server should not evict keys before they expire (`maxmemory-policy noeviction`), or limits reset too early.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._url = location

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return the counter, or `default`."""
        with redis_client(self._url) as client:
            value = client.get(self._key(key, version))
        return default if value is None else int(value)

    def set(self, key: str, value: int, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Set the counter."""
        self._set(self._key(key, version), value, self._lifetime_seconds(timeout))

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set when the counter expires, and return whether it existed."""
        full_key, seconds = self._key(key, version), self._lifetime_seconds(timeout)
        with redis_client(self._url) as client:
            if seconds is not None:
                return bool(client.pexpire(full_key, _milliseconds(seconds)))
            return bool(client.persist(full_key)) or bool(client.exists(full_key))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Delete the counter, and return whether it existed."""
        with redis_client(self._url) as client:
            return bool(client.delete(self._key(key, version)))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add `delta` to the counter and return its new value. Raises ValueError when it does not exist."""
        with redis_client(self._url) as client:
            value = client.eval(INCREMENT_IF_EXISTS, 1, self._key(key, version), delta)
        if value is None:
            raise ValueError("the counter does not exist")
        return int(value)

    def clear(self) -> None:
        """Delete every counter, and keep other data on the same server."""
        with redis_client(self._url) as client:
            for key in client.scan_iter(f"{self.key_prefix}:*", count=KEYS_AT_ONCE):
                client.unlink(key)

    def _add(self, full_key: str, value: int, lifetime_seconds: float | None) -> bool:
        return self._set(full_key, value, lifetime_seconds, only_if_absent=True)

    def _set(self, full_key: str, value: int, lifetime_seconds: float | None, *, only_if_absent: bool = False) -> bool:
        with redis_client(self._url) as client:
            if lifetime_seconds is not None and lifetime_seconds <= 0:  # SET rejects it
                client.delete(full_key)
                return True
            lifetime = None if lifetime_seconds is None else _milliseconds(lifetime_seconds)
            return bool(client.set(full_key, value, px=lifetime, nx=only_if_absent))


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
