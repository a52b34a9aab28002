"""What every cache of counters does, whatever it counts in."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.cache import cache
from django.db import connection

from apps.core.rate_limits.counting_cache import Counter, count_one, noted_counter
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
    with pytest.raises(ValueError, match="not there"):
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
    with pytest.raises(ValueError, match="not there"):
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


async def test_a_counter_is_noted_first_and_counted_later():
    added, counter = noted_counter(cache.add, "a", 1, timeout=60)
    assert (added, await make(cache.get, "a")) == (True, None)
    assert [await count_one(counter) for _ in range(3)] == [1, 2, 3]
    assert await make(cache.get, "a") == 3
    assert await make(cache.add, "a", 1, timeout=60) is False


async def test_a_counter_that_is_counted_ends_in_time_and_begins_anew():
    counter = Counter(":1:a", 0.3)
    assert [await count_one(counter) for _ in range(3)] == [1, 2, 3]
    await asyncio.sleep(0.4)
    assert await count_one(counter) == 1


async def test_no_count_is_lost_between_coroutines():
    _, counter = noted_counter(cache.add, "a", 1, timeout=60)
    counted = await asyncio.gather(*(count_one(counter) for _ in range(100)))
    assert sorted(counted) == list(range(1, 101))


def test_noting_ends_with_the_function_even_if_it_fails():
    with pytest.raises(ZeroDivisionError):
        noted_counter(lambda: 1 // 0)
    assert cache.add("a", 5, timeout=60) is True
    assert cache.get("a") == 5


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
