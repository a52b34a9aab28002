"""How long a session of the API lives: so long without a refresh, and so long in all. The clock is the database's."""

from datetime import timedelta

import httpx
from django.db.models import F

from apps.authentication.models import Session
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_user
from tests.support.orm import make, rows

REFRESH = "/api/v1/auth/refresh"
IDLE, ABSOLUTE, HOUR = timedelta(days=30), timedelta(days=180), timedelta(hours=1)


async def pair_of(api: httpx.AsyncClient) -> dict[str, str]:
    """Sign a new user in."""
    user = await make(make_user, PASSWORD)
    answer = await api.post("/api/v1/auth/login", json={"email": user.email, "password": PASSWORD})
    pair: dict[str, str] = answer.json()
    return pair


async def refresh(api: httpx.AsyncClient, pair: dict[str, str]) -> httpx.Response:
    return await api.post(REFRESH, json={"refresh_token": pair["refresh_token"]})


async def pass_time(length: timedelta) -> None:
    """Make the session that much older."""
    moments = ("created_at", "last_used_at", "expires_at", "rotated_at")
    await make(Session.objects.update, **{moment: F(moment) - length for moment in moments})


async def only_session() -> Session:
    (session,) = await rows(Session.objects.all())
    return session


async def test_new_session_may_stay_unused_for_thirty_days(api: httpx.AsyncClient):
    await pair_of(api)
    session = await only_session()
    assert session.expires_at - session.last_used_at == IDLE
    assert session.kind == "api"


async def test_each_refresh_restarts_the_idle_time(api: httpx.AsyncClient):
    pair = await pair_of(api)
    for _ in range(3):
        await pass_time(IDLE - HOUR)
        answer = await refresh(api, pair)
        assert answer.status_code == 200
        pair = answer.json()
    session = await only_session()
    assert session.expires_at - session.last_used_at == IDLE


async def test_unused_session_expires(api: httpx.AsyncClient):
    pair = await pair_of(api)
    await pass_time(IDLE + HOUR)
    assert_error(await refresh(api, pair), 401, "NOT_AUTHENTICATED")
    me = await api.get("/api/v1/users/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert_error(me, 401, "NOT_AUTHENTICATED")


async def test_no_refresh_extends_past_the_absolute_time(api: httpx.AsyncClient):
    pair = await pair_of(api)
    await pass_time(ABSOLUTE - HOUR)
    await make(Session.objects.update, expires_at=F("created_at") + ABSOLUTE)
    answer = await refresh(api, pair)
    assert answer.status_code == 200
    session = await only_session()
    assert session.expires_at == session.created_at + ABSOLUTE
    await pass_time(2 * HOUR)
    assert_error(await refresh(api, answer.json()), 401, "NOT_AUTHENTICATED")
