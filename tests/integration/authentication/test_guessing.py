"""Guessing passwords: from many addresses, at many accounts, and by what the server does with each guess."""

from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone
from psycopg import AsyncConnection
from pytest_django.fixtures import Settings

from apps.authentication.models import LoginAttempt, Session
from apps.authentication.repositories.login_attempt_repository import CountedWrong, LoginAttemptRepository
from apps.core.crypto.passwords import Argon2idHasher
from apps.core.database.pipeline.service_transaction import ServiceTransaction
from apps.core.database.pipeline.shared_reads import SharedReads
from apps.core.database.pool import TRANSACTION_TIMEOUT
from tests.support.accounts import audited, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_staff, make_user
from tests.support.guessing import (
    ELSEWHERE,
    EMAIL,
    HOME,
    LOGIN,
    UNKNOWN_EMAIL,
    expire_locks,
    guess_from_many_addresses,
    sign_in,
)
from tests.support.orm import make, rows

CHANGE = "/api/v1/auth/change-password"


@pytest.mark.parametrize("email", [EMAIL, UNKNOWN_EMAIL])
async def test_only_a_hundred_guesses_from_many_addresses_are_answered(database: None, email: str):
    await make(make_user, PASSWORD, email=EMAIL)
    locked = await guess_from_many_addresses(101, email)
    assert locked[:100] == [0] * 100
    assert 1 <= locked[100] <= 30
    assert_error(await sign_in(ELSEWHERE, "wrong", email), 429, "LOCKED_OUT")
    assert_error(await sign_in(ELSEWHERE, PASSWORD, email), 429, "LOCKED_OUT")
    assert await rows(Session.objects.all()) == []


async def test_guesses_from_many_addresses_do_not_lock_out_the_owner(database: None):
    await make(make_user, PASSWORD, email=EMAIL)
    assert (await sign_in(HOME)).status_code == 200
    await guess_from_many_addresses(101)
    assert_error(await sign_in(ELSEWHERE), 429, "LOCKED_OUT")
    assert_error(await sign_in(HOME, "a slip"), 401, "WRONG_CREDENTIALS")
    assert (await sign_in(HOME)).status_code == 200
    assert_error(await sign_in(ELSEWHERE), 429, "LOCKED_OUT")


async def test_other_accounts_are_not_locked(database: None):
    await make(make_user, PASSWORD, email="bob@example.com")
    await guess_from_many_addresses(101)
    assert (await sign_in(ELSEWHERE, email="bob@example.com")).status_code == 200


async def test_client_is_known_for_ninety_days(database: None):
    await make(make_user, PASSWORD, email=EMAIL)
    assert (await sign_in(HOME)).status_code == 200
    await guess_from_many_addresses(101)
    for days, status in ((89, 200), (91, 429)):
        long_ago = timezone.now() - timedelta(days=days)
        await make(LoginAttempt.objects.filter(client_address=HOME).update, signed_in_at=long_ago)
        assert (await sign_in(HOME)).status_code == status


@pytest.mark.parametrize(("days", "is_known"), [(89, True), (91, False)])
async def test_every_statement_knows_a_client_for_ninety_days(database: None, days: int, is_known: bool):
    """Each on its own: a sign-in runs two of them, and the first refuses what the second would let pass."""
    attempts = LoginAttemptRepository()
    await guess_from_many_addresses(101)
    for statement in (attempts.locked_seconds, attempts.count_wrong, attempts.count_right):
        await attempts.unlock(EMAIL, HOME)
        long_ago = timezone.now() - timedelta(days=days)
        await make(LoginAttempt.objects.filter(client_address=HOME).update, signed_in_at=long_ago)
        found = await statement(EMAIL, HOME)
        seconds = found.locked_seconds if isinstance(found, CountedWrong) else found
        assert (seconds == 0) is is_known, statement.__name__


async def test_wrong_passwords_of_a_known_client_lock_out_no_other(database: None):
    await make(make_user, PASSWORD, email=EMAIL)
    assert (await sign_in(HOME)).status_code == 200
    for _ in range(5):
        await sign_in(HOME, "wrong")
    assert_error(await sign_in(HOME), 429, "LOCKED_OUT")
    assert await rows(LoginAttempt.objects.filter(client_address="*")) == []
    assert (await sign_in(ELSEWHERE)).status_code == 200


async def test_each_further_guess_locks_for_longer_and_a_day_resets_the_count(database: None):
    await make(make_user, PASSWORD, email=EMAIL)
    await guess_from_many_addresses(99)
    for number, seconds in enumerate((30, 60, 120, 240, 480, 900, 900)):
        assert_error(await sign_in(f"2001:db8:{number}::1", "wrong"), 401, "WRONG_CREDENTIALS")
        locked = await sign_in(ELSEWHERE)
        assert_error(locked, 429, "LOCKED_OUT")
        assert seconds - 5 <= int(locked.headers["retry-after"]) <= seconds
        await expire_locks()
    yesterday = F("last_failed_at") - timedelta(days=1, seconds=1)
    await make(LoginAttempt.objects.filter(client_address="*").update, last_failed_at=yesterday)
    assert_error(await sign_in(ELSEWHERE, "wrong"), 401, "WRONG_CREDENTIALS")
    (account,) = await rows(LoginAttempt.objects.filter(client_address="*"))
    assert (account.failures, account.locked_until) == (1, None)


async def test_addresses_of_one_household_are_one_client(database: None):
    await make(make_user, PASSWORD, email=EMAIL)
    for number in range(5):
        assert_error(await sign_in(f"2001:db8:1:2::{number + 1}", "wrong"), 401, "WRONG_CREDENTIALS")
    assert_error(await sign_in("2001:db8:1:2:ffff:ffff:ffff:ffff"), 429, "LOCKED_OUT")
    assert (await sign_in("2001:db8:1:3::1")).status_code == 200


async def test_one_password_on_many_accounts_is_limited_per_address(database: None, settings: Settings):
    settings.LOGIN_RATE_LIMIT = "5/h"
    for number in range(8):
        await make(make_user, PASSWORD, email=f"user{number}@spray.example.com")
    tried = [await sign_in(ELSEWHERE, "Winter2026!", f"user{number}@spray.example.com") for number in range(8)]
    assert [answer.status_code for answer in tried] == [401] * 5 + [429] * 3
    assert_error(tried[-1], 429, "RATE_LIMITED")
    assert (await sign_in(HOME, PASSWORD, "user7@spray.example.com")).status_code == 200


@pytest.mark.usefixtures("database")
def test_sign_in_to_the_admin_is_limited_by_the_same_count(settings: Settings):
    settings.LOGIN_RATE_LIMIT = "5/h"
    for number in range(6):
        make_staff(PASSWORD, email=f"staff{number}@example.com")
    browser = Client(REMOTE_ADDR=ELSEWHERE)
    for number in range(5):
        browser.post("/admin/login/", {"username": f"staff{number}@example.com", "password": "Winter2026!"})
    refused = browser.post("/admin/login/", {"username": "staff5@example.com", "password": PASSWORD})
    assert (refused.status_code, refused.context["user"].is_authenticated) == (429, False)
    let_in = Client(REMOTE_ADDR=HOME).post("/admin/login/", {"username": "staff5@example.com", "password": PASSWORD})
    assert let_in.status_code == 302


@pytest.mark.usefixtures("database")
def test_admin_hashes_no_password_that_is_too_long(work: Counter[str]):
    make_staff(PASSWORD, email=EMAIL)
    work.clear()
    for password in ("x" * 257, "x" * 900_000):
        refused = Client().post("/admin/login/", {"username": EMAIL, "password": password})
        assert (refused.status_code, list(refused.context["form"].errors)) == (200, ["password"])
    assert work["argon2"] == 0


async def test_confirming_a_change_counts_like_signing_in(api: httpx.AsyncClient):
    me = await customer(email=EMAIL)
    await make(_give_password, me.user)
    change = {"current_password": "wrong", "new_password": "another long and quiet sentence"}
    for _ in range(5):
        assert_error(await api.post(CHANGE, json=change, headers=me.headers), 400, "WRONG_PASSWORD")
    right = {**change, "current_password": PASSWORD}
    assert_error(await api.post(CHANGE, json=right, headers=me.headers), 429, "LOCKED_OUT")
    assert_error(await sign_in("127.0.0.1"), 429, "LOCKED_OUT")
    assert (await sign_in(HOME)).status_code == 200
    assert [action for action, *_ in await audited()] == ["password.refused"] * 5 + [
        "account.locked",
        "session.started",
    ]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What the server does: how often it hashes, and how many statements it runs."""
    done: Counter[str] = Counter()

    def count(kind: str, owner: Any, name: str) -> None:
        genuine = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            done[kind] += TRANSACTION_TIMEOUT not in args  # which a pool sends on new connections, at any moment
            return genuine(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    count("argon2", Argon2idHasher, "verify")
    count("argon2", Argon2idHasher, "encode")
    count("statements", AsyncConnection, "execute")
    count("statements", SharedReads, "fetch")
    count("statements", ServiceTransaction, "_run_named")
    return done


@pytest.mark.parametrize(
    "fields",
    [
        None,
        {},
        {"password": None},
        {"is_active": False},
        {"deleted_at": "2026-01-01T00:00:00Z"},
        {"locked_until": "2999-01-01T00:00:00Z"},
        {"is_staff": True},
    ],
    ids=["missing", "usable", "no password", "inactive", "deleted", "locked", "staff"],
)
async def test_wrong_password_is_the_same_work_for_every_account(
    database: None, work: Counter[str], fields: dict[str, Any] | None
):
    if fields is not None:
        await make(make_user, **{"password": PASSWORD, "email": EMAIL, **fields})
    await sign_in(HOME, "wrong", "warm@example.com")  # opens connections, compiles queries
    work.clear()
    answer = await sign_in(HOME, "wrong")
    assert_error(answer, 401, "WRONG_CREDENTIALS")
    assert dict(work) == {"argon2": 1, "statements": 4}


@pytest.mark.parametrize("email", [EMAIL, UNKNOWN_EMAIL])
async def test_lock_is_the_same_work_for_every_account(database: None, work: Counter[str], email: str):
    await make(make_user, PASSWORD, email=EMAIL)
    for _ in range(5):
        await sign_in(HOME, "wrong", email)
    work.clear()
    assert_error(await sign_in(HOME, PASSWORD, email), 429, "LOCKED_OUT")
    assert work["argon2"] == 0
    assert work["statements"] == 2


@pytest.mark.parametrize("length", [257, 1000, 100_000])
async def test_password_that_is_too_long_is_not_hashed(api: httpx.AsyncClient, work: Counter[str], length: int):
    me = await customer()
    work.clear()
    long = "x" * length
    new = {"email": "new@example.com", "username": "new", "password": long}
    for path, body, headers in (
        (LOGIN, {"email": EMAIL, "password": long}, {}),
        (CHANGE, {"current_password": long, "new_password": PASSWORD}, me.headers),
        (CHANGE, {"current_password": PASSWORD, "new_password": long}, me.headers),
        ("/api/v1/users", new, {}),
    ):
        assert_error(await api.post(path, json=body, headers=headers), 422, "VALIDATION_FAILED")
    assert work["argon2"] == 0
    assert await rows(LoginAttempt.objects.all()) == []


def _give_password(user: Any) -> None:
    user.set_password(PASSWORD)
    user.save()
