"""`GET /usage`: exact sums at every moment, by interval, time zone and group, for those who may read them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from apps.core.authorization.catalogue import CREDITS_READ, KEYS_READ
from apps.usage.models import KeyUsageQuarter, UsageDenial
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from tests.integration.usage.pending import expand, rich_keys, spend
from tests.integration.usage.rollups import roll_up
from tests.support.accounts import Account, colleague, customer
from tests.support.factories import IssuedKey, make_bare_key
from tests.support.orm import make
from tests.support.sessions import sign_in

pytestmark = pytest.mark.usefixtures("database")

PATH = "/api/v1/usage"
EVENT = """
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
VALUES (%s, %s, %s, %s, 1, %s, 'r')
"""


def add_event(key: IssuedKey, at: datetime, cost: str = "1", tag: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute(EVENT, [at, key.row.user_id, key.id, cost, tag])


def refuse(key_id: int, at: datetime, code: str, count: int) -> None:
    UsageDenial.objects.create(api_key_id=key_id, minute_at=at, code=code, detail="d", count=count)


async def owner_of(key: IssuedKey) -> Account:
    return Account(key.row.user, await make(sign_in, key.row.user))


async def read(api: httpx.AsyncClient, reader: Account, **query: Any) -> Any:
    response = await api.get(PATH, params=query, headers=reader.headers)
    assert response.status_code == 200, response.text
    return response.json()


def numbers(part: dict[str, Any]) -> tuple[Any, ...]:
    return part["calls"], part["refused"], part["weight"], part["cost"]


async def test_sums_are_the_same_before_and_after_expansion_and_rollup(api):
    keys = await make(rich_keys, 2)
    me, other = await owner_of(keys[0]), await owner_of(keys[1])
    await make(spend, keys, "1.5", "0.25", tag="eu")
    await make(spend, keys[:1], "2", weight=5)
    before = await read(api, me, group_by="tag")
    assert numbers(before["total"]) == (3, 0, 7, "3.750000")
    assert [(group["tag"], numbers(group)) for group in before["groups"]] == [
        ("eu", (2, None, 2, "1.750000")),
        ("", (1, None, 5, "2.000000")),
    ]
    assert numbers(before["intervals"][-1]) == numbers(before["total"])
    assert len(before["intervals"]) == 30
    for step in (lambda: expand(1), roll_up, lambda: expand(1), roll_up):
        await make(step)
        assert await read(api, me, group_by="tag") == before
    assert numbers((await read(api, other))["total"]) == (2, 0, 2, "1.750000")


async def test_groups_are_keys_and_codes_with_what_was_refused(api):
    (key,) = await make(rich_keys, 1)
    me, spare = await owner_of(key), await make(make_bare_key, key.row.user)
    now = timezone.now().replace(second=0, microsecond=0)
    await make(spend, [key], "1", "1")
    await make(refuse, key.id, now, "RATE_LIMITED", 3)
    await make(refuse, spare.id, now, "EXPIRED", 7)
    by_key = await read(api, me, group_by="key")
    assert [(group["key_id"], group["calls"], group["refused"]) for group in by_key["groups"]] == [
        (spare.id, 0, 7),
        (key.id, 2, 3),
    ]
    by_code = await read(api, me, group_by="code")
    assert {group["code"]: (group["calls"], group["refused"]) for group in by_code["groups"]} == {
        "EXPIRED": (0, 7),
        "RATE_LIMITED": (0, 3),
        "VALID": (2, 0),
    }
    largest = await read(api, me, group_by="code", top=1)
    assert [group["code"] for group in largest["groups"]] == ["EXPIRED"]
    assert numbers(largest["other"]) == (2, 3, 2, "2.000000")
    assert largest["total"] == by_code["total"]


async def test_refused_calls_are_the_same_after_their_minutes_are_rolled_up(api):
    (key,) = await make(rich_keys, 1)
    me, at = await owner_of(key), datetime.now(UTC).replace(hour=12, minute=1, second=0, microsecond=0)
    await make(refuse, key.id, at - timedelta(days=9), "EXPIRED", 3)
    before = await read(api, me, group_by="code", interval="hour", **{"from": day_text(-10), "to": day_text(-8)})
    assert before["total"]["refused"] == 3
    assert await UsageDenialRepository().roll_up_old(10) == 1
    after = await read(api, me, group_by="code", interval="hour", **{"from": day_text(-10), "to": day_text(-8)})
    assert after == before


def day_text(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT00:00:00Z")


async def test_days_of_a_time_zone_when_its_clocks_change(api):
    (key,) = await make(rich_keys, 1)
    me = await owner_of(key)
    for hour in (22, 23):  # 23:00 and, on the day that has 23 hours, 00:00 of the next day
        await make(add_event, key, datetime(2026, 3, 29, hour - 1, 30, tzinfo=UTC))
    await make(add_event, key, datetime(2026, 3, 28, 23, 0, tzinfo=UTC), "4")
    query = {"from": "2026-03-27T23:00:00Z", "to": "2026-03-30T22:00:00Z", "tz": "Europe/Berlin"}
    for _ in range(2):
        days = (await read(api, me, **query))["intervals"]
        assert [(day["starts_at"], day["calls"], day["cost"]) for day in days] == [
            ("2026-03-27T23:00:00Z", 0, "0.000000"),
            ("2026-03-28T23:00:00Z", 2, "5.000000"),
            ("2026-03-29T22:00:00Z", 1, "1.000000"),
        ]
        await make(roll_up)


async def test_whole_days_are_read_from_the_sums_of_days(api):
    (key,) = await make(rich_keys, 1)
    me = await owner_of(key)
    for day in (1, 2, 3):
        await make(add_event, key, datetime(2026, 5, day, 23, 59, 59, tzinfo=UTC), str(day))
    await make(roll_up)
    await make(KeyUsageQuarter.objects.all().delete)
    report = await read(api, me, interval="month", **{"from": "2026-05-02T00:00:00Z", "to": "2026-05-04T00:00:00Z"})
    assert [numbers(each) for each in report["intervals"]] == [(2, 0, 2, "5.000000")]


async def test_minutes_of_the_last_week(api):
    (key,) = await make(rich_keys, 1)
    me = await owner_of(key)
    await make(spend, [key], "1")
    now = timezone.now().replace(second=0, microsecond=0)
    await make(refuse, key.id, now, "EXPIRED", 2)
    await make(expand)
    await make(roll_up)
    report = await read(api, me, interval="minute")
    assert (len(report["intervals"]), numbers(report["total"])) == (60, (1, 2, 1, "1.000000"))


async def test_staff_read_all_customers_by_day(api):
    keys = await make(rich_keys, 3)
    await make(spend, keys, "1")
    await make(spend, keys[:1], "2")
    reader = await colleague(KEYS_READ, CREDITS_READ)
    for step in (expand, roll_up):
        await make(step)
        report = await read(api, reader, group_by="customer", top=1)
        assert (report["user_id"], numbers(report["total"])) == (None, (4, None, 4, "5.000000"))
        assert [(group["user_id"], group["cost"]) for group in report["groups"]] == [(keys[0].row.user_id, "3.000000")]
        assert report["other"]["calls"] == 2


async def test_rights(api):
    (key,) = await make(rich_keys, 1)
    await make(spend, [key], "1")
    stranger, reader = await customer(), await colleague(KEYS_READ)
    for query in ({"user_id": key.row.user_id}, {"group_by": "customer"}):
        response = await api.get(PATH, params=query, headers=stranger.headers)
        assert response.status_code == 403, query
    seen = await read(api, reader, user_id=key.row.user_id, group_by="key")
    assert (seen["total"]["calls"], seen["total"]["cost"], seen["groups"][0]["cost"]) == (1, None, None)
    assert seen["groups"][0]["intervals"][0]["cost"] is None
    assert (await api.get(PATH, params={"user_id": 2**62}, headers=reader.headers)).status_code == 404
    assert (await api.get(PATH)).status_code == 401


async def test_keys_read_the_usage_of_their_owner_with_the_scope(api):
    (key,) = await make(rich_keys, 1)  # has account:read
    await make(spend, [key], "1")
    assert (await api.get(PATH, headers=key.headers)).json()["total"]["calls"] == 1
    other = await make(make_bare_key, key.row.user, scopes=["orders:read"])
    assert (await api.get(PATH, headers=other.headers)).status_code == 403


WRONG = [
    ({"from": "2026-05-01T00:07:00Z"}, '"field":"from","message":"must be on a quarter'),
    ({"to": "2026-05-01T00:07:30Z", "interval": "minute"}, '"field":"to","message":"must be on a minute'),
    ({"from": "2026-05-02T00:00:00Z", "to": "2026-05-01T00:00:00Z"}, '"field":"to","message":"must be after from"'),
    ({"from": "2010-05-01T00:00:00Z", "interval": "hour"}, "at most 1500"),
    ({"from": "2026-05-01T00:00:00Z", "to": "2026-05-01T01:00:00Z", "interval": "minute"}, "7 days"),
    ({"from": "1970-01-01T00:00:00Z"}, "2000"),
    ({"tz": "Mars/Olympus"}, "IANA"),
    ({"tz": "../../etc/passwd"}, "IANA"),
    ({"interval": "week"}, "interval"),
    ({"top": "0"}, "top"),
    ({"group_by": "customer", "user_id": "1"}, "without user_id"),
    ({"group_by": "customer", "interval": "hour"}, "day or month"),
    ({"group_by": "customer", "from": "2026-05-01T01:00:00Z", "to": "2026-05-02T00:00:00Z"}, "beginning of a day"),
    ({"starts_at": "2026-05-01T00:00:00Z"}, "starts_at"),
]


@pytest.mark.parametrize(("query", "said"), WRONG)
async def test_wrong_queries_are_refused(api, query: dict[str, str], said: str):
    reader = await colleague(KEYS_READ)
    (key,) = await make(rich_keys, 1)
    given = {name: str(key.row.user_id) if name == "user_id" else value for name, value in query.items()}
    response = await api.get(PATH, params=given, headers=reader.headers)
    assert (response.status_code, said in response.text) == (422, True), response.text


async def test_cost_stays_exact(api):
    (key,) = await make(rich_keys, 1)
    me = await owner_of(key)
    for _ in range(3):
        await make(add_event, key, timezone.now(), "99999999999999.999999")
    await make(roll_up)
    assert Decimal((await read(api, me))["total"]["cost"]) == 3 * Decimal("99999999999999.999999")
