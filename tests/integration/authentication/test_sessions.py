"""`POST /api/v1/auth/logout`, `/auth/change-password`, and `/auth/sessions`."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.users.models import User
from tests.support.accounts import Account, audited, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key
from tests.support.orm import make, rows
from tests.support.sessions import sign_in

AUTH = "/api/v1/auth"
NEW_PASSWORD = "another long and quiet sentence"
CHANGE = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}


async def status_of(api: httpx.AsyncClient, headers: dict[str, str]) -> int:
    return (await api.get("/api/v1/users/me", headers=headers)).status_code


async def login_status(api: httpx.AsyncClient, account: Account, password: str) -> int:
    credentials = {"email": account.user.email, "password": password}
    return (await api.post(f"{AUTH}/login", json=credentials)).status_code


async def test_logout_ends_the_access_token(api: httpx.AsyncClient):
    me = await customer()
    elsewhere = await make(sign_in, me.user)
    response = await api.post(f"{AUTH}/logout", headers=me.headers)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert [await status_of(api, headers) for headers in (me.headers, elsewhere)] == [401, 200]
    assert_error(await api.post(f"{AUTH}/logout", headers=me.headers), 401, "NOT_AUTHENTICATED")
    first, second = await rows(Session.objects.order_by("id"))
    assert (first.revoked_reason, second.revoked_at) == ("signed out", None)
    assert await audited() == [("session.ended", first.pk, me.id)]


async def test_one_of_many_concurrent_logouts_ends_the_session(api: httpx.AsyncClient):
    me = await customer()
    answers = await asyncio.gather(*(api.post(f"{AUTH}/logout", headers=me.headers) for _ in range(6)))
    assert 200 in {answer.status_code for answer in answers} <= {200, 401, 404}
    assert [action for action, *_ in await audited()] == ["session.ended"]


async def test_own_live_sessions_are_listed(api: httpx.AsyncClient):
    me, _ = await customer(), await customer()
    phone, old = await make(sign_in, me.user), await make(sign_in, me.user)
    await api.post(f"{AUTH}/logout", headers=old)
    listed = (await api.get(f"{AUTH}/sessions", headers=phone)).json()
    assert [item["is_current"] for item in listed["items"]] == [True, False]
    assert listed["total"] == 2
    assert set(listed["items"][0]) == {
        "id",
        "kind",
        "user_agent",
        "ip_address",
        "is_current",
        "created_at",
        "last_used_at",
        "expires_at",
        "methods",
        "authenticated_at",
    }


async def test_only_own_sessions_can_be_ended(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await superuser()
    mine, theirs, _ = await rows(Session.objects.order_by("id"))
    for caller in (me, staff):
        response = await api.delete(f"{AUTH}/sessions/{theirs.pk}", headers=caller.headers)
        assert_error(response, 404, "NOT_FOUND")
    assert await status_of(api, other.headers) == 200
    phone = await make(sign_in, me.user)
    assert (await api.delete(f"{AUTH}/sessions/{mine.pk}", headers=phone)).status_code == 204
    assert [await status_of(api, headers) for headers in (me.headers, phone)] == [401, 200]
    assert_error(await api.delete(f"{AUTH}/sessions/{mine.pk}", headers=phone), 404, "NOT_FOUND")


@pytest.mark.parametrize(("query", "mine"), [("", 200), ("?everywhere=false", 200), ("?everywhere=true", 401)])
async def test_other_sessions_end_and_everywhere_the_current_one_too(api: httpx.AsyncClient, query: str, mine: int):
    phone, other = await customer(), await customer()
    laptop, desk = await make(sign_in, phone.user), await make(sign_in, phone.user)
    response = await api.delete(f"{AUTH}/sessions{query}", headers=laptop)
    assert (response.status_code, response.content) == (204, b"")
    statuses = [await status_of(api, headers) for headers in (laptop, phone.headers, desk, other.headers)]
    assert statuses == [mine, 401, 401, 200]
    ended = await rows(Session.objects.exclude(revoked_at=None).order_by("id"))
    assert {session.revoked_reason for session in ended} == {"signed out"}
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.target_kind, event.target_id, event.actor_id) == (
        "sessions.ended", "user", phone.id, phone.id,
    )  # fmt: skip
    assert event.after == {"everywhere": mine == 401, "session_ids": [session.pk for session in ended]}


@pytest.mark.parametrize(
    "path", ["auth/sessions", "auth/sessions/{other}", "users/{me}/sessions", "users/{me}/sessions/{other}"]
)
async def test_stolen_session_ends_no_other(api: httpx.AsyncClient, path: str):
    me = await customer()
    laptop = await make(sign_in, me.user)
    await make(Session.objects.update, authenticated_at=Now() - timedelta(seconds=601))
    other, stolen = await rows(Session.objects.order_by("id"))
    address = f"/api/v1/{path.format(me=me.id, other=other.pk)}"
    assert_error(await api.delete(address, headers=laptop), 401, "STEP_UP_REQUIRED")
    assert ([await status_of(api, headers) for headers in (me.headers, laptop)], await audited()) == ([200, 200], [])
    assert (await api.delete(f"{AUTH}/sessions/{stolen.pk}", headers=laptop)).status_code == 204
    assert [await status_of(api, headers) for headers in (me.headers, laptop)] == [200, 401]


async def test_nothing_ends_where_there_is_no_other_session(api: httpx.AsyncClient):
    me, _ = await customer(), await customer()
    assert (await api.delete(f"{AUTH}/sessions", headers=me.headers)).status_code == 204
    assert (await status_of(api, me.headers), await audited()) == (200, [])


@pytest.mark.parametrize("query", ["everywhere=perhaps", "everywhere=", "everywhere=2"])
async def test_malformed_query_is_rejected(api: httpx.AsyncClient, query: str):
    me = await customer()
    elsewhere = await make(sign_in, me.user)
    response = await api.delete(f"{AUTH}/sessions?{query}", headers=me.headers)
    assert_error(response, 422, "VALIDATION_FAILED")
    assert [await status_of(api, headers) for headers in (me.headers, elsewhere)] == [200, 200]


async def test_devices_that_end_each_other_do_not_deadlock(api: httpx.AsyncClient):
    me = await customer()
    devices = [me.headers, *[await make(sign_in, me.user) for _ in range(5)]]
    answers = await asyncio.gather(*(api.delete(f"{AUTH}/sessions", headers=headers) for headers in devices))
    assert {answer.status_code for answer in answers} <= {204, 401}
    live = [session.pk for session in await rows(Session.objects.filter(revoked_at=None))]
    assert len(live) <= 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/logout", None),
        ("GET", "/sessions", None),
        ("DELETE", "/sessions/1", None),
        ("DELETE", "/sessions", None),
        ("DELETE", "/sessions?everywhere=true", None),
        ("POST", "/change-password", CHANGE),
    ],
)
async def test_api_key_has_no_session(api: httpx.AsyncClient, method: str, path: str, body: dict[str, str] | None):
    me = await customer()
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    response = await api.request(method, f"{AUTH}{path}", json=body, headers=key.headers)
    assert_error(response, 403, "FORBIDDEN")
    assert await status_of(api, me.headers) == 200


async def test_new_password_ends_every_other_session(api: httpx.AsyncClient):
    me, other = await customer(password=PASSWORD), await customer()
    phone = await make(sign_in, me.user)
    response = await api.post(f"{AUTH}/change-password", json=CHANGE, headers=phone)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert [await status_of(api, headers) for headers in (phone, me.headers, other.headers)] == [200, 401, 200]
    assert [await login_status(api, me, password) for password in (PASSWORD, NEW_PASSWORD)] == [401, 200]
    assert (await audited())[0] == ("user.password_changed", me.id, me.id)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"current_password": "wrong"}, 400, "WRONG_PASSWORD"),
        ({"new_password": "password"}, 422, "VALIDATION_FAILED"),
        ({"new_password": "short"}, 422, "VALIDATION_FAILED"),
        ({"new_password": ""}, 422, "VALIDATION_FAILED"),
        ({"new_password": "x\x00" * 10}, 422, "VALIDATION_FAILED"),
        ({"new_password": None}, 422, "VALIDATION_FAILED"),
        ({"surprise": "x"}, 422, "VALIDATION_FAILED"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_refused_change_changes_nothing(api: httpx.AsyncClient, change: dict[str, str], status: int, code: str):
    me = await customer(password=PASSWORD)
    phone = await make(sign_in, me.user)
    assert_error(await api.post(f"{AUTH}/change-password", json={**CHANGE, **change}, headers=phone), status, code)
    (user,) = await rows(User.objects.all())
    assert user.password == me.user.password
    assert [await status_of(api, headers) for headers in (phone, me.headers)] == [200, 200]
    refused = [("password.refused", me.id, None)] if code == "WRONG_PASSWORD" else []
    assert await audited() == refused


async def test_stolen_session_cannot_guess_the_password(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    wrong = {**CHANGE, "current_password": "wrong"}
    for _ in range(5):
        assert_error(await api.post(f"{AUTH}/change-password", json=wrong, headers=me.headers), 400, "WRONG_PASSWORD")
    assert_error(await api.post(f"{AUTH}/change-password", json=CHANGE, headers=me.headers), 429, "LOCKED_OUT")
    assert await login_status(api, me, PASSWORD) == 429
