"""Limits on public operations for each client address, counted by django-ratelimit."""

import math
import time

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import _split_rate, get_usage

from apps.core.errors import TooManyRequests
from apps.core.rate_limits.counting_cache import count_one, noted_counter
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.rate_limits.response_headers import note_rate_limits
from apps.core.values.ip_addresses import limited_party

PUBLIC = "PUBLIC_RATE_LIMIT"
LOGIN = "LOGIN_RATE_LIMIT"


async def limit_by_address(request: HttpRequest, group: str, rate_setting: str = PUBLIC) -> None:
    """Count this call of `group` for the client's address; raises TooManyRequests beyond the rate in the settings.

    Raises Unavailable when the cache is away: what cannot be counted is refused.
    """
    await count_call(request, group, limited_party(request.META.get("REMOTE_ADDR")), getattr(settings, rate_setting))


async def count_call(request: HttpRequest, group: str, party: str, rate: str) -> None:
    """Count this call of `group` by whoever is limited; raises TooManyRequests, Unavailable.

    The decorator of django-ratelimit breaks on async views, and its counting function wants a thread. So it says what
    to count, for which window and limit, and the counting itself is one atomic step on the event loop.
    """
    usage, counter = noted_counter(
        get_usage, request, group=group, key=lambda _group, _request: party, rate=rate, increment=True
    )
    if usage is None:
        return
    count, limit, seconds_left = await count_one(counter), usage["limit"], max(0, usage["time_left"])
    reset_at_ms = math.ceil(time.time() + seconds_left) * 1000
    status = RateLimitStatus(group, limit, _split_rate(rate)[1], max(0, limit - count), reset_at_ms)
    note_rate_limits(request, [status])
    if count > limit:
        raise TooManyRequests(retry_after_seconds=max(1, seconds_left))
