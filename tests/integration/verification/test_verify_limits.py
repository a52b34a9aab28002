"""Rate limits, through the API."""

import asyncio
from datetime import datetime
from typing import Any

import httpx
from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeyCounter
from apps.plans.models import PlanLimit
from apps.usage.models import UsageDenial
from tests.integration.verification.verifying import denials, make_limited_key, usage, verify
from tests.support.factories import IssuedKey, add_secret, make_key, make_service_key
from tests.support.orm import make, rows

HOUR = ("hour", 3, 3600)


def left(verdict: dict[str, Any]) -> dict[str, int]:
    return {window["name"]: window["remaining"] for window in verdict["rate_limits"]}


async def test_calls_above_the_limit_get_retry_after(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, HOUR)
    verdicts = [await verify(api, key.secret) for _ in range(4)]
    assert [verdict["code"] for verdict in verdicts] == ["VALID"] * 3 + ["RATE_LIMITED"]
    assert [verdict["retry_after_seconds"] for verdict in verdicts[:3]] == [None] * 3
    assert 3590 <= verdicts[3]["retry_after_seconds"] <= 3660
    assert [left(verdict) for verdict in verdicts] == [{"hour": 2}, {"hour": 1}, {"hour": 0}, {"hour": 0}]
    resets = [datetime.fromisoformat(verdict["rate_limits"][0]["reset_at"]) for verdict in verdicts]
    assert resets == sorted(resets)
    assert 3590 <= (resets[-1] - timezone.now()).total_seconds() <= 3660
    assert len(await usage()) == 3


async def test_the_detail_names_the_rate_limit_that_refuses(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("minute", 2, 60), ("a day's", 3, 86_400))
    verdicts = [await verify(api, key.secret, weight=weight) for weight in (1, 4, 2, 1)]
    assert [(verdict["code"], verdict["detail"]) for verdict in verdicts] == [
        ("VALID", None),
        ("RATE_LIMITED", "minute"),
        ("RATE_LIMITED", "minute"),
        ("VALID", None),
    ]
    wide: IssuedKey = await make(make_limited_key, ("minute", 9, 60), ("a day's", 3, 86_400))
    verdict = await verify(api, wide.secret, weight=4)
    assert (verdict["code"], verdict["detail"], verdict["retry_after_seconds"]) == ("RATE_LIMITED", "a day's", None)


async def test_a_limit_is_available_again_after_its_period(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("second", 1, 1))
    service: IssuedKey = await make(make_service_key)
    assert [(await verify(api, key.secret, service))["code"] for _ in range(2)] == ["VALID", "RATE_LIMITED"]
    verdict = await verify(api, key.secret, service)
    assert (verdict["code"], verdict["retry_after_seconds"]) == ("RATE_LIMITED", 1)
    await asyncio.sleep(1)
    assert (await verify(api, key.secret, service))["code"] == "VALID"


async def test_concurrent_calls_never_exceed_the_limit(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 20, 3600))
    service: IssuedKey = await make(make_service_key)
    verdicts = await asyncio.gather(*(verify(api, key.secret, service) for _ in range(60)))
    codes = [verdict["code"] for verdict in verdicts]
    assert (codes.count("VALID"), codes.count("RATE_LIMITED")) == (20, 40)
    assert sorted(left(verdict)["hour"] for verdict in verdicts if verdict["valid"]) == list(range(20))
    assert len(await usage()) == 20
    assert await denials() == {(key.id, "RATE_LIMITED"): 40}


async def test_a_refused_large_call_does_not_block_a_small_one(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, HOUR)
    verdicts = [await verify(api, key.secret, weight=weight) for weight in (2, 2, 4, 1)]
    assert [verdict["code"] for verdict in verdicts] == ["VALID", "RATE_LIMITED", "RATE_LIMITED", "VALID"]
    assert [verdict["retry_after_seconds"] is None for verdict in verdicts] == [True, False, True, True]
    assert [event.weight for event in await usage()] == [2, 1]


async def test_a_keys_own_rate_limit_replaces_its_plans(api: httpx.AsyncClient):
    own = [{"name": "hour", "limit": 1, "period_seconds": 3600}, {"name": "day", "limit": 9, "period_seconds": 86400}]
    key: IssuedKey = await make(make_limited_key, HOUR, ("minute", 5, 60), rate_limits=own)
    verdicts = [await verify(api, key.secret) for _ in range(2)]
    assert [verdict["code"] for verdict in verdicts] == ["VALID", "RATE_LIMITED"]
    assert left(verdicts[0]) == {"minute": 4, "hour": 0, "day": 8}
    assert [window["name"] for window in verdicts[0]["rate_limits"]] == ["minute", "hour", "day"]


async def test_a_changed_limit_holds_from_the_next_call(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, HOUR)
    assert [(await verify(api, key.secret))["code"] for _ in range(4)] == ["VALID"] * 3 + ["RATE_LIMITED"]
    await make(PlanLimit.objects.filter(plan__name=key.row.user.plan.name).update, limit=5)
    assert left(await verify(api, key.secret)) == {"hour": 1}
    await make(
        ApiKey.objects.filter(pk=key.id).update, rate_limits=[{"name": "hour", "limit": 2, "period_seconds": 3600}]
    )
    verdict = await verify(api, key.secret)
    assert (verdict["code"], left(verdict)) == ("RATE_LIMITED", {"hour": 0})


async def test_a_key_without_rate_limits_is_not_limited(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key)
    verdict = await verify(api, key.secret, weight=1_000_000)
    assert (verdict["code"], verdict["rate_limits"]) == ("VALID", [])


async def test_secrets_of_a_key_share_its_rate_limits(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 1, 3600))
    older, other = await make(add_secret, key.row), await make(make_key, key.row.user)
    codes = [(await verify(api, secret))["code"] for secret in (key.secret, older, other.secret, other.secret)]
    assert codes == ["VALID", "RATE_LIMITED", "VALID", "RATE_LIMITED"]


async def test_a_refused_call_is_only_counted(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 1, 3600))
    await verify(api, key.secret)
    (before,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    for _ in range(3):
        assert (await verify(api, key.secret))["code"] == "RATE_LIMITED"
    (after,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert (bytes(after.entries), after.last_used_at) == (bytes(before.entries), before.last_used_at)
    assert await denials() == {(key.id, "RATE_LIMITED"): 3}


async def test_denials_are_counted_by_minute_and_code(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 1, 3600), scopes=["a:b"])
    before = timezone.now().replace(second=0, microsecond=0)
    for query in ({}, {}, {"scopes": ["a:c"]}, {"cost": 1}, {"scopes": ["a:c"]}):
        await verify(api, key.secret, **query)
    assert await denials() == {(key.id, "RATE_LIMITED"): 2, (key.id, "INSUFFICIENT_SCOPES"): 2}
    counted: list[UsageDenial] = await rows(UsageDenial.objects.all())
    assert {(denial.minute_at.second, denial.minute_at.microsecond) for denial in counted} == {(0, 0)}
    assert all(before <= denial.minute_at <= timezone.now() for denial in counted)
