"""Each operation locks the account, then its sessions, before it writes."""

import re
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from apps.authentication.dependencies import key_rotation
from apps.authentication.models import Session
from apps.core.authorization.principal import OPERATOR
from tests.support.accounts import customer, superuser
from tests.support.factories import PASSWORD, make_user
from tests.support.links import tokens_to
from tests.support.orm import make
from tests.support.sessions import sign_in
from tests.support.statements import COMMENT, TABLE, service_statements

AUTH, USERS = "/api/v1/auth", "/api/v1/users"
ANN = "ann@example.com"
NEW_PASSWORD = "another long and quiet sentence"
LOCKED = re.compile(r'FOR NO KEY UPDATE OF "(\w+)"')
LOCK_AND_REVOKE = ["lock sessions", "update sessions"]


def kind_of(sql: str) -> str:
    """Return what a statement does to which table; a read is of no interest here."""
    if "pg_advisory_xact_lock" in sql:
        return "lock the ring"
    if locked := LOCKED.search(sql):
        return f"lock {locked[1]}"
    statement = COMMENT.sub("", sql)
    table = TABLE.search(statement)
    return f"{statement.split(maxsplit=1)[0].lower()} {table[1] if table else ''}"


@contextmanager
def writes() -> Iterator[list[str]]:
    """Collect the locks and the writes of transactions, in order."""
    found: list[str] = []
    with service_statements() as seen:
        yield found
    kinds = [kind_of(sql) for sql in seen if sql not in ("BEGIN", "COMMIT", "ROLLBACK")]
    found += [kind for kind in kinds if not kind.startswith("select")]


async def done(request: Awaitable[httpx.Response]) -> None:
    response = await request
    assert response.status_code < 300, response.text


async def test_login(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN)
    with writes() as found:
        await done(api.post(f"{AUTH}/login", json={"email": ANN, "password": PASSWORD}))
    assert found[:4] == ["lock users", "update users", "insert sessions", "insert audit_events"]


async def test_login_that_is_refused_writes_nothing_but_its_event(api: httpx.AsyncClient, settings):
    settings.REQUIRE_VERIFIED_EMAIL = True
    await make(make_user, PASSWORD, email=ANN)
    with writes() as found:
        assert (await api.post(f"{AUTH}/login", json={"email": ANN, "password": PASSWORD})).status_code == 403
    assert found[:2] == ["lock users", "insert audit_events"]
    assert "update users" not in found


async def test_refresh(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN)
    pair = (await api.post(f"{AUTH}/login", json={"email": ANN, "password": PASSWORD})).json()
    with writes() as found:
        await done(api.post(f"{AUTH}/refresh", json={"refresh_token": pair["refresh_token"]}))
    assert found == LOCK_AND_REVOKE


async def test_logout(api: httpx.AsyncClient):
    me = await customer()
    with writes() as found:
        await done(api.post(f"{AUTH}/logout", headers=me.headers))
    assert found == [*LOCK_AND_REVOKE, "insert audit_events"]


@pytest.mark.parametrize("path", ["sessions", "sessions/{session_id}"])
async def test_staff_end_sessions(api: httpx.AsyncClient, path: str):
    me, staff = await customer(), await superuser()
    session = await make(Session.objects.get, user_id=me.id)
    address = f"{USERS}/{me.id}/{path.format(session_id=session.pk)}"
    with writes() as found:
        await done(api.delete(address, headers=staff.headers))
    assert found == ["lock users", *LOCK_AND_REVOKE, "insert audit_events"]


async def test_reauthentication(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    with writes() as found:
        await done(api.post(f"{AUTH}/step-up", json={"password": PASSWORD}, headers=me.headers))
    assert found == ["lock users", *LOCK_AND_REVOKE, "insert audit_events"]


async def test_changed_password(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    await make(sign_in, me.user)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    with writes() as found:
        await done(api.post(f"{AUTH}/change-password", json=change, headers=me.headers))
    assert found == [
        "lock users",
        "update users",
        *LOCK_AND_REVOKE,
        "delete one_time_tokens",
        "insert audit_events",
        "insert outgoing_mails",
    ]


async def test_reset_password(api: httpx.AsyncClient):
    await customer(email=ANN, email_verified_at=None)
    await done(api.post(f"{AUTH}/forgot-password", json={"email": ANN}))
    (token,) = await tokens_to(ANN, "reset_password")
    with writes() as found:
        await done(api.post(f"{AUTH}/reset-password", json={"token": token, "new_password": NEW_PASSWORD}))
    assert found == [
        "lock users",
        "update one_time_tokens",
        "update users",
        "lock users",
        "update users",
        *LOCK_AND_REVOKE,
        "delete one_time_tokens",
        "insert audit_events",
        "insert outgoing_mails",
        "insert login_attempts",
    ]


async def test_rotated_signing_key(database: None):
    with writes() as found:
        await key_rotation().rotate(OPERATOR)
    assert found == ["lock the ring", "update signing_keys", "insert signing_keys", "insert audit_events"]
