"""The behaviour that all counter caches share."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest

from apps.core.errors import TooManyRequests
from apps.core.rate_limits.request_limits import count_call, count_call_now
from apps.core.rate_limits.response_headers import recorded_rate_limit_headers
from tests.support.orm import make

pytestmark = pytest.mark.usefixtures("counters")
THREADS, TURNS = 8, 50


def test_counter_counts():
    assert cache.add("a", 5, timeout=60) is True
    assert cache.add("a", 9, timeout=60) is False
    assert cache.incr("a") == 6
    assert cache.incr("a", 4) == 10
    assert cache.decr("a", 3) == 7
    assert cache.get("a") == 7
    assert cache.get("b") is None
    assert cache.get("b", "nothing") == "nothing"


def test_missing_counter_is_not_incremented():
    with pytest.raises(ValueError, match="does not exist"):
        cache.incr("a")
    assert cache.get("a") is None


def test_counter_is_set_touched_and_deleted():
    cache.set("a", 1, timeout=60)
    cache.set("a", 2, timeout=None)
    assert cache.get("a") == 2
    assert (cache.touch("a", 60), cache.touch("a", None), cache.touch("b", 60), cache.touch("b", None)) == (
        True,
        True,
        False,
        False,
    )
    assert (cache.delete("a"), cache.delete("a")) == (True, False)
    assert cache.get("a") is None


@pytest.mark.parametrize("timeout", [0, -1])
def test_expired_counter_does_not_exist(timeout):
    cache.set("a", 5, timeout=timeout)
    assert cache.get("a") is None
    assert cache.touch("a", 60) is False
    with pytest.raises(ValueError, match="does not exist"):
        cache.incr("a")
    assert cache.add("a", 1, timeout=60) is True
    assert cache.get("a") == 1


@pytest.mark.parametrize("write", ["add", "set"])
def test_increment_does_not_extend_the_expiry(write):
    getattr(cache, write)("a", 1, timeout=0.3)
    assert cache.incr("a") == 2
    time.sleep(0.4)
    assert cache.get("a") is None


def test_versions_are_separate_and_clear_deletes_all():
    cache.set("a", 1, version=1)
    cache.set("a", 2, version=2)
    assert (cache.get("a", version=1), cache.get("a", version=2)) == (1, 2)
    cache.clear()
    assert cache.get_many(["a"]) == {}


async def call(group: str = "group", rate: str = "100/h") -> tuple[int, int]:
    """Count a call, and return the remaining calls and the limit."""
    request = HttpRequest()
    await count_call(request, group, "192.0.2.1", rate)
    headers = recorded_rate_limit_headers(request)
    return int(headers["X-RateLimit-Remaining"]), int(headers["X-RateLimit-Limit"])


async def test_calls_are_counted_by_group_and_rate():
    assert [await call() for _ in range(3)] == [(99, 100), (98, 100), (97, 100)]
    assert [await call("another"), await call(rate="7/h")] == [(99, 100), (6, 7)]


async def test_call_over_the_limit_is_rejected_with_retry_after():
    assert [await call(rate="2/h") for _ in range(2)] == [(1, 2), (0, 2)]
    with pytest.raises(TooManyRequests) as raised:
        await call(rate="2/h")
    assert raised.value.retry_after_seconds in range(1, 3601)


async def test_count_resets_after_the_period(monkeypatch: pytest.MonkeyPatch):
    for _ in range(2):
        await call(rate="2/m")
    an_hour_later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: an_hour_later)
    assert await call(rate="2/m") == (1, 2)


async def test_no_count_is_lost_between_coroutines():
    results = await asyncio.gather(*(call() for _ in range(100)))
    assert sorted(remaining for remaining, _ in results) == list(range(100))


async def test_async_and_sync_calls_share_the_count():
    assert await call() == (99, 100)
    await make(count_call_now, HttpRequest(), "group", "192.0.2.1", "100/h")
    assert await call() == (97, 100)


@pytest.mark.parametrize("rate", ["", "5", "5/w", "5 /m", "-1/m", "5/m extra"])
async def test_malformed_rate_is_rejected(rate: str):
    with pytest.raises(ValueError, match="is not a rate"):
        await call(rate=rate)


def test_no_count_is_lost_between_threads():
    cache.set("a", 0, timeout=60)
    barrier = Barrier(THREADS)

    def count(_thread: int) -> list[int]:
        barrier.wait()
        try:
            return [cache.incr("a") for _ in range(TURNS)]
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        counted = [value for values in threads.map(count, range(THREADS)) for value in values]
    assert sorted(counted) == list(range(1, THREADS * TURNS + 1))
    assert cache.get("a") == THREADS * TURNS


def test_only_one_of_many_threads_adds_the_counter():
    barrier = Barrier(THREADS)

    def add(thread: int) -> bool:
        barrier.wait()
        try:
            return bool(cache.add("a", thread, timeout=60))
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        assert sorted(threads.map(add, range(THREADS))) == [False] * (THREADS - 1) + [True]
