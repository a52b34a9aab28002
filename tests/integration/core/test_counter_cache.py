"""What the cache of counters in PostgreSQL does with its rows."""

import pytest
from django.core.cache import cache

from apps.core.models import RateLimitCounter
from apps.core.rate_limits.counting_cache import count_one, noted_counter
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")


def test_what_is_not_there_gets_no_row():
    with pytest.raises(ValueError, match="not there"):
        cache.incr("a")
    assert RateLimitCounter.objects.count() == 0


def test_what_has_ended_is_swept_away_a_few_at_a_time():
    for number in range(15):
        cache.set(f"old{number}", 1, timeout=-1)
    cache.add("new", 1, timeout=60)
    assert RateLimitCounter.objects.count() == 15 - 10 + 1
    cache.add("newer", 1, timeout=60)
    assert RateLimitCounter.objects.count() == 2


async def test_noting_touches_no_row():
    added, _ = noted_counter(cache.add, "a", 1, timeout=60)
    assert (added, await make(RateLimitCounter.objects.count)) == (True, 0)


async def test_what_has_ended_is_counted_from_one_and_swept_away():
    for number in range(3):
        await make(cache.set, f"old{number}", 7, timeout=-1)
    _, counter = noted_counter(cache.add, "old0", 1, timeout=60)
    assert [await count_one(counter) for _ in range(2)] == [1, 2]
    assert [row.key for row in await rows(RateLimitCounter.objects.all())] == [counter.key]


def test_a_counter_without_an_end_stays():
    cache.set("a", 1, timeout=None)
    assert RateLimitCounter.objects.get().expires_at.year == 9999
