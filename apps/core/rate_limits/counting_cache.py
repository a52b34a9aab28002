"""The base class of the caches for rate limits: integers with atomic increments, shared by all workers."""

from abc import ABC, abstractmethod
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache


class CountingCache(BaseCache, ABC):
    """A Django cache backend for integers."""

    def add(self, key: str, value: int, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set the counter unless it exists, and return whether it was set."""
        return self._add(self._key(key, version), value, self._lifetime_seconds(timeout))

    @abstractmethod
    def _add(self, full_key: str, value: int, lifetime_seconds: float | None) -> bool: ...

    def _key(self, key: str, version: int | None) -> str:
        return str(self.make_and_validate_key(key, version=version))

    def _lifetime_seconds(self, timeout: Any) -> float | None:
        seconds: float | None = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return seconds
