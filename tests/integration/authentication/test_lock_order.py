"""Each operation locks the account, then its sessions, before it writes."""

from collections.abc import Awaitable

import httpx
import pytest

from apps.authentication.dependencies import key_rotation
from apps.authentication.models import Session
from apps.core.authorization.principal import OPERATOR
from tests.support.accounts import customer, superuser
from tests.support.captured_sql import ADVISORY_LOCK, captured
from tests.support.factories import PASSWORD, make_user
from tests.support.links import tokens_to
from tests.support.orm import make
from tests.support.sessions import sign_in

AUTH, USERS = "/api/v1/auth", "/api/v1/users"
ANN = "ann@example.com"
NEW_PASSWORD = "another long and quiet sentence"
LOCK_AND_REVOKE = ["lock sessions", "update sessions"]


async def done(request: Awaitable[httpx.Response]) -> None:
    response = await request
    assert response.status_code < 300, response.text


async def test_login(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN)
    with captured() as sql:
        await done(api.post(f"{AUTH}/login", json={"email": ANN, "password": PASSWORD}))
    assert sql.steps[:4] == ["lock users", "update users", "insert sessions", "insert audit_events"]


async def test_login_that_is_refused_writes_nothing_but_its_event(api: httpx.AsyncClient, settings):
    settings.REQUIRE_VERIFIED_EMAIL = True
    await make(make_user, PASSWORD, email=ANN)
    with captured() as sql:
        assert (await api.post(f"{AUTH}/login", json={"email": ANN, "password": PASSWORD})).status_code == 403
    assert sql.steps[:2] == ["lock users", "insert audit_events"]
    assert "update users" not in sql.steps


async def test_refresh(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN)
    pair = (await api.post(f"{AUTH}/login", json={"email": ANN, "password": PASSWORD})).json()
    with captured() as sql:
        await done(api.post(f"{AUTH}/refresh", json={"refresh_token": pair["refresh_token"]}))
    assert sql.steps == LOCK_AND_REVOKE


async def test_logout(api: httpx.AsyncClient):
    me = await customer()
    with captured() as sql:
        await done(api.post(f"{AUTH}/logout", headers=me.headers))
    assert sql.steps == [*LOCK_AND_REVOKE, "insert audit_events"]


@pytest.mark.parametrize("path", ["sessions", "sessions/{session_id}"])
async def test_staff_end_sessions(api: httpx.AsyncClient, path: str):
    me, staff = await customer(), await superuser()
    session = await make(Session.objects.get, user_id=me.id)
    address = f"{USERS}/{me.id}/{path.format(session_id=session.pk)}"
    with captured() as sql:
        await done(api.delete(address, headers=staff.headers))
    assert sql.steps == ["lock users", *LOCK_AND_REVOKE, "insert audit_events"]


async def test_reauthentication(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    with captured() as sql:
        await done(api.post(f"{AUTH}/step-up", json={"password": PASSWORD}, headers=me.headers))
    assert sql.steps == ["lock users", *LOCK_AND_REVOKE, "insert audit_events"]


async def test_changed_password(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    await make(sign_in, me.user)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    with captured() as sql:
        await done(api.post(f"{AUTH}/change-password", json=change, headers=me.headers))
    assert sql.steps == [
        "lock users",
        "update users",
        *LOCK_AND_REVOKE,
        "delete one_time_tokens",
        "insert audit_events",
        "insert outgoing_mails",
    ]


FACTORS = ["second_factor_attempts", "totp_devices", "recovery_codes", "passkeys"]
TAKE_OVER = [*(f"delete {table}" for table in FACTORS), "lock api_keys"]


@pytest.mark.parametrize(("verified_at", "taken_over"), [(None, TAKE_OVER), ("2026-01-01T00:00:00Z", [])])
async def test_reset_password(api: httpx.AsyncClient, verified_at: str | None, taken_over: list[str]):
    await customer(email=ANN, email_verified_at=verified_at)
    await done(api.post(f"{AUTH}/forgot-password", json={"email": ANN}))
    (token,) = await tokens_to(ANN, "reset_password")
    with captured() as sql:
        await done(api.post(f"{AUTH}/reset-password", json={"token": token, "new_password": NEW_PASSWORD}))
    assert sql.steps == [
        "lock users",
        "update one_time_tokens",
        "update users",
        "lock users",
        "update users",
        *taken_over,
        *LOCK_AND_REVOKE,
        "delete one_time_tokens",
        "insert audit_events",
        "insert outgoing_mails",
        "insert login_attempts",
    ]


async def test_rotated_signing_key(database: None):
    with captured() as sql:
        await key_rotation().rotate(OPERATOR)
    assert sql.steps == [ADVISORY_LOCK, "update signing_keys", "insert signing_keys", "insert audit_events"]
