"""What a cache must be able to do for limits: count, atomically, for all workers at once, without a thread.

django-ratelimit says what to count, and would count it in Django's synchronous way. So `noted_counter` runs it and only
notes the counter, and `count_one` counts on the event loop.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache


@dataclass(slots=True)
class Counter:
    """A counter that would have been counted: its key, and for how many seconds it lives if it is new, or for ever."""

    key: str = ""
    lifetime_seconds: float | None = None


_noting: ContextVar[Counter | None] = ContextVar("noting", default=None)


def noted_counter[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> tuple[R, Counter]:
    """Run a function that adds one counter, and return what it returns with the counter, which is not touched.

    To the function it looks as if the counter were new.
    """
    counter = Counter()
    token = _noting.set(counter)
    try:
        return function(*args, **kwargs), counter
    finally:
        _noting.reset(token)


async def count_one(counter: Counter) -> int:
    """Add one to the counter and return its new value; one that is not there begins at one. Raises Unavailable."""
    return await cast("CountingCache", caches[settings.RATELIMIT_USE_CACHE]).count(counter)


class CountingCache(BaseCache, ABC):
    """A Django cache of whole numbers whose increment is atomic."""

    def add(self, key: str, value: int, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set the counter unless it is there; return whether it was set. While a counter is noted, only note it."""
        full_key, lifetime_seconds = self._key(key, version), self._lifetime_seconds(timeout)
        if (noted := _noting.get()) is None:
            return self._add(full_key, value, lifetime_seconds)
        noted.key, noted.lifetime_seconds = full_key, lifetime_seconds
        return True

    @abstractmethod
    async def count(self, counter: Counter) -> int:
        """Add one to the counter, in one atomic step, and return its new value; raises Unavailable."""

    @abstractmethod
    def _add(self, full_key: str, value: int, lifetime_seconds: float | None) -> bool: ...

    def _key(self, key: str, version: int | None) -> str:
        return str(self.make_and_validate_key(key, version=version))

    def _lifetime_seconds(self, timeout: Any) -> float | None:
        seconds: float | None = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return seconds
