"""Erasure by the functions of apps that do not declare their personal data yet.

Goes with `OldErasure`; `test_erasure_failures.py` has the same tests of its successor.
"""

from datetime import timedelta

import httpx
import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from django.utils import timezone
from psycopg_pool import PoolTimeout

from apps.authentication.models import Session
from apps.core.database.transactions import run_statement
from apps.core.declarations.old_personal_data import ErasePersonalData
from apps.core.errors import Unavailable
from apps.personal_data.dependencies import READS_DECLARATIONS
from apps.personal_data.services.old_erasure import OldErasure
from apps.users.dependencies import account_removal
from apps.users.models import User
from apps.users.repositories import erasure_repository
from tests.support.factories import make_user
from tests.support.orm import make, rows
from tests.support.sessions import sign_in

pytestmark = pytest.mark.skipif(READS_DECLARATIONS, reason="OldErasure is not used any more: delete it and this file.")


def delete_sessions(user_id: int) -> None:
    Session.objects.filter(user_id=user_id).delete()


async def two_due() -> tuple[User, User]:
    first = await make(make_user, deleted_at=Now() - timedelta(days=32), is_active=False)
    return first, await make(make_user, deleted_at=Now() - timedelta(days=31), is_active=False)


async def test_failed_erasure_changes_nothing_of_the_account(api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture):
    first, second = await two_due()
    await make(sign_in, first)

    def fail(user_id: int) -> None:
        if user_id == first.pk:
            raise LookupError

    assert await OldErasure(account_removal(), (delete_sessions, fail), ()).run() == 1
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
    users = [await make(make_user, deleted_at=a_month_ago, is_active=False) for _ in range(7)]
    due, tried = [user.pk for user in users], []
    broken = due[:3]

    def erase(user_id: int) -> None:
        tried.append(user_id)
        if user_id in broken:
            raise LookupError

    assert await OldErasure(account_removal(), (erase,), ()).run() == 4
    assert tried == due
    assert [user.pk for user in await rows(User.objects.filter(erased_at=None))] == broken


def refusing(sqlstate: str, user_id: int, tried: list[int]) -> ErasePersonalData:
    def erase(erased_id: int) -> None:
        tried.append(erased_id)
        if erased_id == user_id:
            run_statement(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$", [])

    return erase


@pytest.mark.parametrize("sqlstate", ["55P03", "40P01", "57014"])  # a lock, a deadlock, a statement that took too long
async def test_failing_statement_keeps_back_no_other_account(
    api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, sqlstate: str
):
    first, second = await two_due()
    tried: list[int] = []
    assert await OldErasure(account_removal(), (refusing(sqlstate, first.pk, tried),), ()).run() == 1
    assert tried == [first.pk, second.pk]
    assert [line.getMessage() for line in caplog.records] == [f"unexpected OperationalError {sqlstate}"]
    assert [user.pk for user in await rows(User.objects.exclude(erased_at=None))] == [second.pk]


async def test_database_shutdown_ends_the_run(api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture):
    first, _ = await two_due()
    tried: list[int] = []
    with pytest.raises(OperationalError):
        await OldErasure(account_removal(), (refusing("57P01", first.pk, tried),), ()).run()
    assert (tried, caplog.records) == ([first.pk], [])
    assert await rows(User.objects.exclude(erased_at=None)) == []


@pytest.mark.parametrize("error", [Unavailable, PoolTimeout])
async def test_outage_ends_the_run(api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, error: type[Exception]):
    first, _ = await two_due()
    tried: list[int] = []

    def fail(user_id: int) -> None:
        tried.append(user_id)
        raise error

    with pytest.raises(error):
        await OldErasure(account_removal(), (fail,), ()).run()
    assert (tried, caplog.records) == ([first.pk], [])
