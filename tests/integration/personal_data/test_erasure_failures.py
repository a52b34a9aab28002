"""Erasure when an app's part of it fails: nothing of that account is erased, and the others are."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from django.db.models.functions import Now
from django.utils import timezone
from psycopg_pool import PoolTimeout

from apps.authentication.models import Session
from apps.core.database.orm.writes import delete
from apps.core.database.statements import fetch_rows
from apps.core.declarations import PersonalData
from apps.core.errors import Unavailable
from apps.personal_data.services.erasure import Erasure
from apps.users.dependencies import account_erasure
from apps.users.models import User
from apps.users.repositories import erasure_repository
from tests.support.factories import make_user
from tests.support.orm import make, rows
from tests.support.sessions import sign_in


class Sessions(PersonalData):
    """Deletes the account's sessions."""

    async def erase(self, user_id: int) -> None:
        await delete(Session.objects.filter(user_id=user_id))


class Failing(PersonalData):
    """Keeps the accounts that were tried, and does something that fails to the accounts that shall fail."""

    def __init__(self, fail: Callable[[], Awaitable[Any]], *user_ids: int) -> None:
        self._fail = fail
        self._user_ids = user_ids
        self.tried: list[int] = []

    async def erase(self, user_id: int) -> None:
        self.tried.append(user_id)
        if user_id in self._user_ids:
            await self._fail()


def erasure_by(*personal_data: PersonalData) -> Erasure:
    return Erasure(account_erasure(), personal_data)


def raising(error: type[Exception]) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


def refused(sqlstate: str) -> Callable[[], Awaitable[Any]]:
    async def fail() -> None:
        await fetch_rows(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$")

    return fail


async def two_due() -> tuple[User, User]:
    first = await make(make_user, deleted_at=Now() - timedelta(days=32), is_active=False)
    return first, await make(make_user, deleted_at=Now() - timedelta(days=31), is_active=False)


async def test_failed_erasure_changes_nothing_of_the_account(api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture):
    first, second = await two_due()
    await make(sign_in, first)
    assert await erasure_by(Sessions(), Failing(raising(LookupError), first.pk)).run() == 1
    assert "LookupError" in caplog.text
    assert [user.pk for user in await rows(User.objects.exclude(erased_at=None))] == [second.pk]
    assert [user.email for user in await rows(User.objects.filter(erased_at=None))] == [first.email]
    assert len(await rows(Session.objects.all())) == 1


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure_repository, "DUE_MAXIMUM", 2)


@pytest.mark.usefixtures("two_at_a_time")
async def test_all_due_accounts_are_tried_once(api: httpx.AsyncClient):
    a_month_ago = timezone.now() - timedelta(days=31)
    due = [(await make(make_user, deleted_at=a_month_ago, is_active=False)).pk for _ in range(7)]
    broken = due[:3]
    failing = Failing(raising(LookupError), *broken)
    assert await erasure_by(failing).run() == 4
    assert failing.tried == due
    assert [user.pk for user in await rows(User.objects.filter(erased_at=None))] == broken


@pytest.mark.parametrize(
    ("sqlstate", "name"),
    [("55P03", "LockNotAvailable"), ("40P01", "DeadlockDetected"), ("57014", "QueryCanceled")],
)
async def test_failing_statement_keeps_back_no_other_account(
    api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, sqlstate: str, name: str
):
    first, second = await two_due()
    failing = Failing(refused(sqlstate), first.pk)
    assert await erasure_by(failing).run() == 1
    assert failing.tried == [first.pk, second.pk]
    assert [line.getMessage() for line in caplog.records] == [f"unexpected {name} {sqlstate}"]
    assert [user.pk for user in await rows(User.objects.exclude(erased_at=None))] == [second.pk]


async def test_database_shutdown_ends_the_run(api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture):
    first, _ = await two_due()
    failing = Failing(refused("57P01"), first.pk)
    with pytest.raises(psycopg.OperationalError):
        await erasure_by(failing).run()
    assert (failing.tried, caplog.records) == ([first.pk], [])
    assert await rows(User.objects.exclude(erased_at=None)) == []


@pytest.mark.parametrize("error", [Unavailable, PoolTimeout])
async def test_outage_ends_the_run(api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, error: type[Exception]):
    first, _ = await two_due()
    failing = Failing(raising(error), first.pk)
    with pytest.raises(error):
        await erasure_by(failing).run()
    assert (failing.tried, caplog.records) == ([first.pk], [])
