"""Erasure: in which order apps erase, and that an account that fails keeps back no other."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.errors import AdminShutdown, DeadlockDetected, LockNotAvailable, QueryCanceled
from psycopg_pool import PoolTimeout

from apps.core.database.open_transaction import require_transaction
from apps.core.declarations import PersonalData, PersonalDataDeclaration
from apps.core.errors import Unavailable
from apps.personal_data.services.erasure import Erasure, erased_by
from apps.users.models import User
from apps.users.services.in_transaction.account_erasure import AccountErasure
from tests.support.fakes import unsaved_user

pytestmark = pytest.mark.unit

DELETED_AT = datetime(2026, 1, 1, tzinfo=UTC)
AT_A_TIME = 2


class Accounts(AccountErasure):
    """Deleted accounts in memory; `log` is what was called, in order."""

    def __init__(self, log: list[Any], *user_ids: int) -> None:
        unused: Any = None
        super().__init__(unused, unused)
        self._log = log
        self._users = {id_: unsaved_user(id_, deleted_at=DELETED_AT + timedelta(days=id_)) for id_ in user_ids}
        self.locked_elsewhere: set[int] = set()

    async def due(self, after: User | None) -> list[User]:
        later = [user for user in self._users.values() if after is None or user.pk > after.pk]
        return later[:AT_A_TIME]

    async def lock_due(self, user_id: int) -> User | None:
        require_transaction("lock an account")
        self._log.append(("lock", user_id))
        return None if user_id in self.locked_elsewhere else self._users[user_id]

    async def erase(self, user: User) -> None:
        require_transaction("erase an account")
        self._log.append(("erase account", user.pk))


class Section(PersonalData):
    """Logs what it is asked to erase; `fails` raises for accounts that shall fail."""

    def __init__(self, log: list[Any], name: str, fails: Callable[[int], None] = lambda _user_id: None) -> None:
        self._log = log
        self._name = name
        self._fails = fails

    async def erase(self, user_id: int) -> None:
        require_transaction("erase personal data")
        self._log.append((self._name, user_id))
        self._fails(user_id)

    async def erase_address(self, email: str, until: datetime) -> None:
        require_transaction("erase an address")
        self._log.append((self._name, email, until))


def failing(error: Exception, *user_ids: int) -> Callable[[int], None]:
    def fail(user_id: int) -> None:
        if user_id in user_ids:
            raise error

    return fail


def erased(log: list[Any]) -> list[int]:
    return [user_id for what, user_id, *_ in log if what == "erase account"]


async def test_apps_erase_after_the_lock_and_before_the_account_itself():
    log: list[Any] = []
    assert await Erasure(Accounts(log, 3), [Section(log, "a"), Section(log, "b")]).run() == 1
    address = ("user3@example.com", DELETED_AT + timedelta(days=3))
    assert log == [("lock", 3), ("a", 3), ("a", *address), ("b", 3), ("b", *address), ("erase account", 3)]


async def test_account_that_another_process_erases_is_skipped():
    log: list[Any] = []
    accounts = Accounts(log, 1, 2)
    accounts.locked_elsewhere = {1}
    assert await Erasure(accounts, [Section(log, "a")]).run() == 1
    assert erased(log) == [2]
    assert ("a", 1) not in log


@pytest.mark.parametrize("error", [LookupError(), LockNotAvailable(), DeadlockDetected(), QueryCanceled()], ids=repr)
async def test_failing_accounts_are_logged_once_and_keep_back_no_other(
    error: Exception, caplog: pytest.LogCaptureFixture
):
    log: list[Any] = []
    section = Section(log, "a", failing(error, 1, 2, 4))
    assert await Erasure(Accounts(log, *range(1, 8)), [section]).run() == 4
    assert erased(log) == [3, 5, 6, 7]
    assert [entry for entry in log if entry[0] == "lock"] == [("lock", number) for number in range(1, 8)]
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3


@pytest.mark.parametrize("error", [Unavailable(), PoolTimeout(), AdminShutdown(), psycopg.OperationalError()], ids=repr)
async def test_outage_of_the_database_ends_the_run(error: Exception, caplog: pytest.LogCaptureFixture):
    log: list[Any] = []
    with pytest.raises(type(error)):
        await Erasure(Accounts(log, 1, 2), [Section(log, "a", failing(error, 1))]).run()
    assert log == [("lock", 1), ("a", 1)]
    assert caplog.records == []


def test_every_declared_app_erases():
    log: list[Any] = []
    one, other = Section(log, "a"), Section(log, "b")
    declarations = [PersonalDataDeclaration(lambda: one, section="a"), PersonalDataDeclaration(lambda: other)]
    assert erased_by(declarations) == [one, other]
