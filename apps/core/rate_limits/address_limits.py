"""Rate limits of requests for each client address, counted by django-ratelimit.

`get_usage` counts, in the cache that RATELIMIT_USE_CACHE names, wherever a request is limited. Its decorator fails on
async views, and it talks to the cache synchronously: so operations of the API await `limit_by_address`, which calls it
on one of a few threads. Rates and counts are the same at both applications. See
docs/decisions/0011-rate-limits-of-requests.md.
"""

import asyncio
import math
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from threading import BoundedSemaphore

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from apps.core.database.open_transaction import refuse_in_transaction
from apps.core.errors import TooManyRequests, Unavailable
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.rate_limits.response_headers import note_rate_limits
from apps.core.values.ip_addresses import limited_party

PUBLIC = "PUBLIC_RATE_LIMIT"
LOGIN = "LOGIN_RATE_LIMIT"
WAITING_MAXIMUM = 400  # counted, or waiting to be, at once in one process
PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
RATE = re.compile(r"(?P<limit>\d+)/(?P<multiple>\d*)(?P<period>[smhd])")

_places = BoundedSemaphore(WAITING_MAXIMUM)


async def limit_by_address(request: HttpRequest, group: str, rate_setting: str = PUBLIC) -> None:
    """Count this call of `group` for the client's address; raises TooManyRequests beyond the rate in the settings.

    Raises Unavailable when the cache cannot be reached: what cannot be counted is refused.
    """
    await count_call(request, group, limited_party(request.META.get("REMOTE_ADDR")), getattr(settings, rate_setting))


async def count_call(request: HttpRequest, group: str, party: str, rate: str) -> None:
    """Count this call of `group` by a party, at a rate such as `5/m` or `100/10m`; raises as `limit_by_address`."""
    refuse_in_transaction("the rate limit of a request")
    if not _places.acquire(blocking=False):
        raise Unavailable("Too many requests are waiting. Retry shortly.")
    try:
        await asyncio.get_running_loop().run_in_executor(_threads(), partial(_count, request, group, party, rate))
    finally:
        _places.release()


def count_call_now(request: HttpRequest, group: str, party: str, rate: str) -> None:
    """Count the call from synchronous code; raises as `limit_by_address`."""
    limit, period_seconds = _parsed(rate)
    usage = get_usage(
        request, group=group, key=lambda _group, _request: party, rate=(limit, period_seconds), increment=True
    )
    if usage is None:  # RATELIMIT_ENABLE is off
        return
    if usage["time_left"] < 0:
        raise Unavailable("The rate limit cannot be counted. Retry shortly.")
    reset_at_ms = math.ceil(time.time() + usage["time_left"]) * 1000
    remaining = max(0, limit - usage["count"])
    note_rate_limits(request, [RateLimitStatus(group, limit, period_seconds, remaining, reset_at_ms)])
    if usage["should_limit"]:
        raise TooManyRequests(retry_after_seconds=max(1, usage["time_left"]))


def _count(request: HttpRequest, group: str, party: str, rate: str) -> None:
    try:
        count_call_now(request, group, party, rate)
    finally:
        connection.close()  # back to its pool


def _parsed(rate: str) -> tuple[int, int]:
    found = RATE.fullmatch(rate)
    if found is None:
        raise ValueError(f"{rate} is not a rate such as 5/m or 100/10m")
    return int(found["limit"]), int(found["multiple"] or 1) * PERIODS[found["period"]]


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.RATE_LIMIT_THREADS, thread_name_prefix="rate limit")
