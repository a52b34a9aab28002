"""Sliding windows in Redis: the count of this period and the share of the last one that the window still covers.

A window costs two small strings a key, whatever its limit; all windows are read, judged and counted in one call.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis

from tests.benchmarks.peers.fastapi_service.models import PlanLimit

SCRIPT = """
local weight, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local used = {}
local allowed = 1
for window = 1, #KEYS / 2 do
    local limit, period = tonumber(ARGV[window * 2 + 1]), tonumber(ARGV[window * 2 + 2])
    local counts = redis.call('MGET', KEYS[window * 2 - 1], KEYS[window * 2])
    local rest = 1 - (now % period) / period
    used[window] = math.floor((tonumber(counts[2]) or 0) * rest) + (tonumber(counts[1]) or 0)
    if used[window] + weight > limit then allowed = 0 end
end
if allowed == 1 then
    for window = 1, #KEYS / 2 do
        used[window] = used[window] + weight
        if redis.call('INCRBY', KEYS[window * 2 - 1], weight) == weight then
            redis.call('EXPIRE', KEYS[window * 2 - 1], 2 * tonumber(ARGV[window * 2 + 2]))
        end
    end
end
return {allowed, unpack(used)}
"""


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """A window after the call."""

    limit: PlanLimit
    remaining: int
    reset_at: datetime


class RateLimiter:
    """Counts a call against all of a key's windows, or against none."""

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(SCRIPT)

    async def hit(self, key_id: int, limits: list[PlanLimit], weight: int) -> tuple[bool, list[RateLimitStatus]]:
        """Return whether the call is allowed, and the windows."""
        now = time.time()
        keys: list[str] = []
        arguments: list[int | float] = [weight, now]
        for limit in limits:
            number = int(now) // limit.period_seconds
            keys += [f"limit:{key_id}:{limit.name}:{number}", f"limit:{key_id}:{limit.name}:{number - 1}"]
            arguments += [limit.limit, limit.period_seconds]
        allowed, *used = await self._script(keys=keys, args=arguments)
        return bool(allowed), [_state(limit, count, now) for limit, count in zip(limits, used, strict=True)]


def _state(limit: PlanLimit, used: int, now: float) -> RateLimitStatus:
    reset = (int(now) // limit.period_seconds + 1) * limit.period_seconds
    return RateLimitStatus(limit, max(0, limit.limit - used), datetime.fromtimestamp(reset, UTC))
