"""A key that somebody holds in a long transaction."""

import asyncio

import httpx

from apps.core.database.pool import connection
from apps.usage.models import UsageEvent
from tests.support.assertions import assert_error
from tests.support.factories import make_key, make_service_key
from tests.support.orm import make, rows

VERIFY = "/api/v1/keys/verify"


async def test_only_those_who_ask_about_it_are_refused(api: httpx.AsyncClient):
    service, busy = await make(make_service_key), await make(make_key)
    free = [await make(make_key) for _ in range(5)]
    async with connection() as borrowed, borrowed.transaction():
        await borrowed.execute("SELECT 1 FROM api_keys WHERE id = %s FOR UPDATE", [busy.id])
        asked = [api.post(VERIFY, json={"key": key.secret}, headers=service.headers) for key in (*free, busy)]
        *answers, refused = await asyncio.gather(*asked)
    assert [answer.json()["code"] for answer in answers] == ["VALID"] * 5
    assert_error(refused, 503, "UNAVAILABLE")
    assert {event.api_key_id for event in await rows(UsageEvent.objects.all())} == {key.id for key in free}
    again = await api.post(VERIFY, json={"key": busy.secret}, headers=service.headers)
    assert again.json()["code"] == "VALID"
