"""Rate limits of requests per client address or account, counted by django-ratelimit.

`get_usage` counts every limited request in the cache that RATELIMIT_USE_CACHE names. django-ratelimit's decorator fails
on async views, and it uses the cache synchronously. So the API's operations await `limit_by_address`, which calls
`get_usage` on one of a few threads. The API application and the admin application share rates and counts. See
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

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.database.open_transaction import refuse_in_transaction
from apps.core.errors import TooManyRequests, Unavailable
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.rate_limits.response_headers import record_rate_limits
from apps.core.values.ip_addresses import rate_limit_subject, wider_rate_limit_subjects

PUBLIC = "PUBLIC_RATE_LIMIT"
LOGIN = "LOGIN_RATE_LIMIT"
WAITING_MAXIMUM = 400  # calls that are counted or wait to be counted, per process
PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
RATE = re.compile(r"(?P<limit>\d+)/(?P<multiple>\d*)(?P<period>[smhd])")

_slots = BoundedSemaphore(WAITING_MAXIMUM)


async def limit_by_address(request: HttpRequest, group: str, rate_setting: str = PUBLIC) -> None:
    """Count a call of `group` for the client's address, at the rate in the setting.

    An IPv6 address counts by its /64, and by the /56 and /48 around it, which may use several times the rate.

    Raises TooManyRequests when the rate is exceeded, and Unavailable when the cache is unavailable, because a call that
    cannot be counted is rejected.
    """
    address = request.META.get("REMOTE_ADDR")
    rate, wider = getattr(settings, rate_setting), wider_rate_limit_subjects(address)
    await count_call(request, group, rate_limit_subject(address), rate, *wider)


async def limit_mail_by_address(request: HttpRequest, group: str) -> None:
    """Count a call that may send mail to an address that the client names. Raises as `limit_by_address` does.

    All such calls of a client count together too, so that it does not mail more people by using several operations.
    """
    await limit_by_address(request, group)
    await limit_by_address(request, "mail")


async def count_call(request: HttpRequest, group: str, subject: str, rate: str, *wider: tuple[str, int]) -> None:
    """Count a call of `group` by a subject, at a rate such as `5/m` or `100/10m`. Raises as `limit_by_address` does.

    A call that is allowed counts for each of the `wider` subjects too, at a multiple of the rate.
    """
    refuse_in_transaction("the rate limit of a request")
    if not _slots.acquire(blocking=False):
        raise Unavailable("Too many requests are waiting. Retry shortly.")
    try:
        await asyncio.get_running_loop().run_in_executor(
            _threads(), partial(_count, request, group, (subject, 1), *wider, rate=rate)
        )
    finally:
        _slots.release()


def count_call_now(request: HttpRequest, group: str, subject: str, rate: str, multiple: int = 1) -> None:
    """Count a call from synchronous code. Raises as `limit_by_address` does."""
    limit, period_seconds = _parsed(rate)
    limit *= multiple
    usage = get_usage(
        request, group=group, key=lambda _group, _request: subject, rate=(limit, period_seconds), increment=True
    )
    if usage is None:  # RATELIMIT_ENABLE is off
        return
    if usage["count"] == 0:  # so `get_usage` reports that the cache has failed; it has counted this call otherwise
        raise Unavailable("The rate limit could not be checked. Retry shortly.")
    # Negative when the period has ended during the call.
    seconds_left = max(0, usage["time_left"])
    reset_at_ms = math.ceil(time.time() + seconds_left) * 1000
    remaining = max(0, limit - usage["count"])
    if (
        multiple == 1 or usage["should_limit"]
    ):  # the headers describe the client's own limit, unless a wider one refuses
        record_rate_limits(request, [RateLimitStatus(group, limit, period_seconds, remaining, reset_at_ms)])
    if usage["should_limit"]:
        raise TooManyRequests(retry_after_seconds=max(1, seconds_left))


def _count(request: HttpRequest, group: str, *subjects: tuple[str, int], rate: str) -> None:
    try:
        for subject, multiple in subjects:
            count_call_now(request, group, subject, rate, multiple)
    finally:
        connection.close()  # returns it to its pool


def _parsed(rate: str) -> tuple[int, int]:
    found = RATE.fullmatch(rate)
    if found is None:
        raise ValueError(f"{rate} is not a rate such as 5/m or 100/10m")
    return int(found["limit"]), int(found["multiple"] or 1) * PERIODS[found["period"]]


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.RATE_LIMIT_THREADS, thread_name_prefix="rate limit")


async def limit_by_account(request: AuthenticatedRequest, group: str, rate: str, about_id: int) -> None:
    """Count a call of `group` by the caller's account about the account `about_id`.

    Raises TooManyRequests when the rate, such as `5/h`, is exceeded, and Unavailable when the cache is unavailable.
    """
    await count_call(request, f"{group}-of-account", f"{request.auth.owner_id}:{about_id}", rate)
