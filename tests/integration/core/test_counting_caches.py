"""What every cache of counters does, whatever it counts in."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest

from apps.core.errors import TooManyRequests
from apps.core.rate_limits.address_limits import count_call, count_call_now
from apps.core.rate_limits.response_headers import noted_rate_limit_headers
from tests.support.orm import make

pytestmark = pytest.mark.usefixtures("counters")
THREADS, TURNS = 8, 50


def test_counts():
    assert cache.add("a", 5, timeout=60) is True
    assert cache.add("a", 9, timeout=60) is False
    assert cache.incr("a") == 6
    assert cache.incr("a", 4) == 10
    assert cache.decr("a", 3) == 7
    assert cache.get("a") == 7
    assert cache.get("b") is None
    assert cache.get("b", "nothing") == "nothing"


def test_what_is_not_there_is_not_counted():
    with pytest.raises(ValueError, match="does not exist"):
        cache.incr("a")
    assert cache.get("a") is None


def test_sets_touches_and_deletes():
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
def test_what_has_ended_is_not_there(timeout):
    cache.set("a", 5, timeout=timeout)
    assert cache.get("a") is None
    assert cache.touch("a", 60) is False
    with pytest.raises(ValueError, match="does not exist"):
        cache.incr("a")
    assert cache.add("a", 1, timeout=60) is True
    assert cache.get("a") == 1


@pytest.mark.parametrize("write", ["add", "set"])
def test_ends_in_time_and_counting_does_not_put_it_off(write):
    getattr(cache, write)("a", 1, timeout=0.3)
    assert cache.incr("a") == 2
    time.sleep(0.4)
    assert cache.get("a") is None


def test_clears_and_keeps_versions_apart():
    cache.set("a", 1, version=1)
    cache.set("a", 2, version=2)
    assert (cache.get("a", version=1), cache.get("a", version=2)) == (1, 2)
    cache.clear()
    assert cache.get_many(["a"]) == {}


async def call(group: str = "group", rate: str = "100/h") -> tuple[int, int]:
    """Count a call and return what is left, and the limit."""
    request = HttpRequest()
    await count_call(request, group, "192.0.2.1", rate)
    headers = noted_rate_limit_headers(request)
    return int(headers["X-RateLimit-Remaining"]), int(headers["X-RateLimit-Limit"])


async def test_a_call_is_counted_by_group_and_rate():
    assert [await call() for _ in range(3)] == [(99, 100), (98, 100), (97, 100)]
    assert [await call("another"), await call(rate="7/h")] == [(99, 100), (6, 7)]


async def test_the_call_beyond_the_limit_is_refused_and_told_to_wait():
    assert [await call(rate="2/h") for _ in range(2)] == [(1, 2), (0, 2)]
    with pytest.raises(TooManyRequests) as refusal:
        await call(rate="2/h")
    assert refusal.value.retry_after_seconds in range(1, 3601)


async def test_a_counted_call_is_forgotten_at_the_end_of_its_period(monkeypatch: pytest.MonkeyPatch):
    for _ in range(2):
        await call(rate="2/m")
    an_hour_later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: an_hour_later)
    assert await call(rate="2/m") == (1, 2)


async def test_no_count_is_lost_between_coroutines():
    left = await asyncio.gather(*(call() for _ in range(100)))
    assert sorted(remaining for remaining, _ in left) == list(range(100))


async def test_both_applications_share_the_count():
    assert await call() == (99, 100)
    await make(count_call_now, HttpRequest(), "group", "192.0.2.1", "100/h")
    assert await call() == (97, 100)


@pytest.mark.parametrize("rate", ["", "5", "5/w", "5 /m", "-1/m", "5/m extra"])
async def test_a_malformed_rate_is_refused(rate: str):
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


def test_of_many_threads_one_adds():
    barrier = Barrier(THREADS)

    def add(thread: int) -> bool:
        barrier.wait()
        try:
            return bool(cache.add("a", thread, timeout=60))
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        assert sorted(threads.map(add, range(THREADS))) == [False] * (THREADS - 1) + [True]
