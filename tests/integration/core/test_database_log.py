"""PostgreSQL's own log contains no value: no address, name, hash or secret, whatever is refused or fails."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection as django_connection
from django.db.models import Func, TextField, Value
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from apps.api_keys.models import ApiKey
from apps.core.database import pool
from apps.core.database.database_errors import ConstraintViolated
from apps.core.database.orm.writes import insert, update
from apps.core.database.statements import fetch_rows
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict
from apps.identities.domain.provider import Profile
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.plans.models import Plan
from apps.second_factors.models import Passkey
from apps.second_factors.repositories.passkey_repository import PasskeyRepository
from apps.users.models import User
from tests.support.accounts import customer, superuser
from tests.support.factories import PASSWORD, make_key, make_role, make_service_key, make_user
from tests.support.links import tokens_to
from tests.support.orm import make, run_in_transaction

pytestmark = pytest.mark.integration

SECRET = "rosebud"  # part of every value that must not be logged
NEVER = (SECRET, SECRET.encode().hex(), "argon2", PASSWORD)
ANN = {"email": f"{SECRET}@example.com", "username": SECRET, "password": PASSWORD}
USERS, PLANS, ROLES, VERIFY = "/api/v1/users", "/api/v1/plans", "/api/v1/roles", "/api/v1/keys/verify"
# What PostgreSQL logs by default, and as much as it can.
TALKATIVE = {"log_error_verbosity": "verbose", "log_min_error_statement": "error"}


class Log:
    """What the server has logged since the object was created."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = path.stat().st_size

    @property
    def text(self) -> str:
        return self._path.read_bytes()[self._start :].decode()

    def require_silence(self) -> None:
        assert [value for value in NEVER if value in self.text] == [], self.text


@pytest.fixture
def log(database) -> Log:
    with django_connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        path = Path(cursor.fetchone()[0]).parent / "postgres.log"
    if not path.exists():
        pytest.skip("the tests run on a PostgreSQL that is not the embedded one")
    return Log(path)


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log as a PostgreSQL with default settings does, which repeats the row of each violated constraint."""
    monkeypatch.setattr(pool, "SERVER_SETTINGS", pool.SERVER_SETTINGS | TALKATIVE)


async def statuses(*requests: Awaitable[httpx.Response]) -> list[int]:
    return [(await request).status_code for request in requests]


async def test_taken_names_of_accounts_are_not_logged(api: httpx.AsyncClient, log: Log, talkative):
    other = {"email": "other@example.com", "username": "other"}
    staff, bob = await superuser(), await customer(username="bob")
    assert await statuses(
        api.post(USERS, json=ANN),
        api.post(USERS, json=ANN),
        api.post(USERS, json={**ANN, "email": other["email"]}),
        api.post(USERS, json={**ANN, "username": other["username"], "email": ANN["email"].upper()}),
        api.post(USERS, json=ANN, headers=staff.headers),
        api.patch(f"{USERS}/me", json={"username": SECRET}, headers=bob.headers),
        api.patch(f"{USERS}/{bob.id}", json={"email": ANN["email"]}, headers=staff.headers),
    ) == [201, 409, 409, 409, 409, 409, 409]
    log.require_silence()


async def test_address_that_is_taken_before_it_is_confirmed_is_not_logged(api: httpx.AsyncClient, log: Log, talkative):
    bob = await customer(email_verified_at=None)
    await api.patch(f"{USERS}/me", json={"email": ANN["email"]}, headers=bob.headers)
    (token,) = await tokens_to(ANN["email"], "confirm_new_email")
    assert await statuses(
        api.post(USERS, json=ANN), api.post("/api/v1/auth/confirm-email", json={"token": token, "password": PASSWORD})
    ) == [
        201,
        400,
    ]
    log.require_silence()


async def test_registrations_of_one_address_are_not_logged(api: httpx.AsyncClient, log: Log, talkative, settings):
    settings.REGISTRATION = "confirmed"
    assert await statuses(api.post(USERS, json=ANN), api.post(USERS, json=ANN)) == [202, 202]
    tokens = await tokens_to(ANN["email"], "confirm_registration")
    await make(make_user, email="other@example.com", username=SECRET)
    confirmed = [{"token": token, "password": PASSWORD} for token in tokens]
    assert sorted(
        await statuses(*(api.post("/api/v1/auth/confirm-registration", json=body) for body in confirmed))
    ) == [201, 400]
    log.require_silence()


async def test_restored_account_of_a_taken_address_is_not_logged(api: httpx.AsyncClient, log: Log, talkative):
    staff = await superuser()
    gone = await make(make_user, email=ANN["email"], username=SECRET, deleted_at=timezone.now())
    assert await statuses(api.post(USERS, json=ANN), api.post(f"{USERS}/{gone.pk}/restore", headers=staff.headers)) == [
        201,
        409,
    ]
    log.require_silence()


async def test_taken_names_of_plans_and_roles_are_not_logged(api: httpx.AsyncClient, log: Log, talkative):
    staff, role = await superuser(), await make(make_role, name="other")
    plan = await make(Plan.objects.create, name="other")
    headers, named = staff.headers, {"name": SECRET}
    assert await statuses(
        api.post(PLANS, json=named, headers=headers),
        api.post(PLANS, json=named, headers=headers),
        api.patch(f"{PLANS}/{plan.pk}", json=named, headers=headers),
        api.post(ROLES, json={**named, "scopes": []}, headers=headers),
        api.post(ROLES, json={**named, "scopes": []}, headers=headers),
        api.patch(f"{ROLES}/{role.pk}", json=named, headers=headers),
    ) == [201, 409, 409, 201, 409, 409]
    log.require_silence()


async def test_repeated_references_and_requests_are_not_logged(api: httpx.AsyncClient, log: Log, talkative):
    staff, bob = await superuser(), await customer()
    service, key = await make(make_service_key), await make(make_key, bob.user)
    credit = {"amount": "1", "type": "top_up", "reference_id": SECRET}
    query = {"key": key.secret, "request_id": SECRET, "tag": SECRET}
    assert await statuses(
        api.post(f"{USERS}/{bob.id}/credits", json=credit, headers=staff.headers),
        api.post(f"{USERS}/{bob.id}/credits", json=credit, headers=staff.headers),
        api.post(f"{USERS}/{bob.id}/credits", json={**credit, "amount": "2"}, headers=staff.headers),
        api.post(VERIFY, json=query, headers=service.headers),
        api.post(VERIFY, json=query, headers=service.headers),
    ) == [201, 201, 409, 200, 200]
    log.require_silence()


async def test_linked_identities_and_registered_passkeys_are_not_logged(log: Log, talkative):
    user = await make(make_user)
    profile = Profile("acme", "https://acme.example", SECRET, ANN["email"], is_verified=True, full_name=SECRET)
    passkey = {"user_id": user.pk, "credential_id": SECRET.encode(), "public_key": b"k", "user_handle": b"h"}
    passkey |= {"name": SECRET, "sign_count": 0, "transports": [], "aaguid": UUID(int=1)}
    passkey |= {"is_backup_eligible": False, "is_backed_up": False}
    for attempt in (
        lambda: IdentityRepository().add(user.pk, profile, linked_by_owner=True),
        lambda: PasskeyRepository().insert(Passkey(**passkey)),
    ):
        async with transaction():
            await attempt()
        with pytest.raises(Conflict):
            async with transaction():
                await attempt()
    log.require_silence()


async def test_concurrent_registrations_are_not_logged(api: httpx.AsyncClient, log: Log, talkative):
    responses = await asyncio.gather(*(api.post(USERS, json=ANN) for _ in range(8)))
    assert sorted(response.status_code for response in responses) == [201] + [409] * 7
    log.require_silence()


async def _violate_unique(user: User) -> None:
    await insert(User(email=user.email, username="other", password="argon2", plan_id=user.plan_id))


async def _violate_check(user: User) -> None:
    await update(ApiKey.objects.filter(user=user), budget=-1)


async def _violate_foreign_key(user: User) -> None:
    await update(User.objects.filter(pk=user.pk), plan_id=10**12)
    await fetch_rows("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("violate", [_violate_unique, _violate_check, _violate_foreign_key])
async def test_embedded_server_logs_no_row_of_a_violated_constraint(log: Log, violate: Callable[[User], Any]):
    user = await make(make_user, email=ANN["email"], username=SECRET, password=PASSWORD)
    await make(make_key, user, name=SECRET)
    with pytest.raises(ConstraintViolated):
        async with transaction():
            await violate(user)
    assert "violates" in log.text
    log.require_silence()


async def _time_out(user: User) -> None:
    await fetch_rows("SET LOCAL statement_timeout = 20")
    await fetch_rows("SELECT pg_sleep(5), %s::text", [SECRET])


async def _misread(user: User) -> None:
    await fetch_rows("SELECT %s::jsonb", [f'{{"{SECRET}": "\\u0000"}}'])


@pytest.mark.parametrize("fail", [_time_out, _misread])
async def test_embedded_server_logs_no_parameter_of_a_failing_statement(log: Log, fail: Callable[[User], Any]):
    user = await make(make_user)
    with pytest.raises(psycopg.Error):
        async with transaction():
            await fail(user)
    assert "ERROR" in log.text
    log.require_silence()


async def test_cancelled_statement_is_logged_without_its_parameters(log: Log, talkative):
    async def sleep() -> None:
        async with transaction():
            await fetch_rows("SELECT pg_sleep(5), %s::text", [SECRET])

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await sleep()
    assert "SELECT pg_sleep(5), $1::text" in log.text
    log.require_silence()


async def test_deadlock_is_logged_without_parameters(log: Log, talkative):
    """Its detail repeats the statements of all transactions that take part."""

    async def name(first: User, second: User) -> None:
        async with transaction():
            await fetch_rows(renaming, [SECRET, first.pk])
            await both.wait()
            await fetch_rows(renaming, [SECRET, second.pk])

    renaming, both = "UPDATE users SET full_name = %s WHERE id = %s", asyncio.Barrier(2)
    users = [await make(make_user), await make(make_user)]
    outcomes = await asyncio.gather(name(*users), name(*reversed(users)), return_exceptions=True)
    assert DeadlockDetected in {type(outcome) for outcome in outcomes}
    assert "UPDATE users SET full_name = $1" in log.text
    log.require_silence()


def test_superuser_of_a_taken_name_is_not_logged(log: Log):
    make_user(email="other@example.com", username=SECRET)
    with pytest.raises(CommandError, match="user name"):
        call_command("createsuperuser", interactive=False, email="root@example.com", username=SECRET)
    log.require_silence()


async def test_statements_of_django_contain_no_values(log: Log):
    def search() -> None:
        with django_connection.cursor() as cursor:
            cursor.execute("SET LOCAL log_min_error_statement = 'error'")
            cursor.execute("SET LOCAL statement_timeout = 20")
        slow = Func(Value(5.0), function="pg_sleep", output_field=TextField())
        list(User.objects.filter(email__icontains=SECRET, username=SECRET).annotate(slow=slow)[:1])
        list(User.objects.annotate(slow=slow).exclude(full_name=SECRET)[:1])

    await make(make_user)
    with pytest.raises(Exception, match="statement timeout"):
        await run_in_transaction(search)
    assert "STATEMENT:  SELECT" in log.text
    log.require_silence()
