"""The rows of the counter cache in PostgreSQL."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from apps.core.models import RateLimitCounter
from apps.core.rate_limits.request_limits import count_call
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")


def test_increment_of_missing_counter_adds_no_row():
    with pytest.raises(ValueError, match="does not exist"):
        cache.incr("a")
    assert RateLimitCounter.objects.count() == 0


def test_expired_counters_are_deleted_a_few_at_a_time():
    for number in range(15):
        cache.set(f"old{number}", 1, timeout=-1)
    cache.add("new", 1, timeout=60)
    assert RateLimitCounter.objects.count() == 15 - 10 + 1
    cache.add("newer", 1, timeout=60)
    assert RateLimitCounter.objects.count() == 2


async def test_calls_share_one_row_that_expires_after_its_period():
    for _ in range(3):
        await count_call(HttpRequest(), "group", "192.0.2.1", "5/m")
    (row,) = await rows(RateLimitCounter.objects.all())
    assert row.value == 3
    assert 55 < (row.expires_at - timezone.now()).total_seconds() <= 65


async def test_expired_counter_restarts_at_one():
    await count_call(HttpRequest(), "group", "192.0.2.1", "5/m")
    (key,) = [row.key for row in await rows(RateLimitCounter.objects.all())]
    await make(RateLimitCounter.objects.update, value=5, expires_at=timezone.now() - timedelta(seconds=1))
    for number in range(3):
        await make(cache.set, f"old{number}", 7, timeout=-1)
    await count_call(HttpRequest(), "group", "192.0.2.1", "5/m")
    assert [(row.key, row.value) for row in await rows(RateLimitCounter.objects.all())] == [(key, 1)]


def test_counter_without_timeout_never_expires():
    cache.set("a", 1, timeout=None)
    assert RateLimitCounter.objects.get().expires_at.year == 9999
