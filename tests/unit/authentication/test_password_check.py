"""Judging passwords."""

import logging
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.authentication.repositories.login_attempt_repository import CountedWrong
from apps.authentication.services.password_check import PasswordCheck
from apps.core.errors import TooManyRequests
from apps.core.request_context import RequestContext, enter_request
from apps.users.services.user_service import UserService
from tests.support.fakes import NO_EMAIL_CHANGE, FakeUsers, unsaved_user

pytestmark = pytest.mark.unit

SECRET = "correct horse battery staple"


class FakeAttempts:
    """Counts attempts in memory; `locked` and `locked_meanwhile` are the seconds answered before and after judging."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.wrong: list[tuple[str, str]] = []
        self.forgiven: list[tuple[str, str]] = []
        self.locked = 0
        self.locked_meanwhile = 0
        self.locks_out: str | None = None

    async def locked_seconds(self, account: str, client_address: str) -> int:
        self.asked.append((account, client_address))
        return self.locked

    async def count_wrong(self, account: str, client_address: str) -> CountedWrong:
        self.wrong.append((account, client_address))
        return CountedWrong(self.locked_meanwhile, self.locks_out)

    async def forgive(self, account: str, client_address: str) -> int:
        self.forgiven.append((account, client_address))
        return self.locked_meanwhile


@pytest.fixture
def attempts():
    return FakeAttempts()


class Noted(list[AuditEntry]):
    """Audit entries, kept in memory."""

    async def __call__(self, entry: AuditEntry) -> None:
        self.append(entry)


@pytest.fixture
def noted():
    return Noted()


@pytest.fixture(scope="module")
def encoded():
    return make_password(SECRET)


@pytest.fixture
def check(attempts: Any, encoded: str, noted: Any) -> PasswordCheck:
    ann = unsaved_user(1, email="ann@example.com", password=encoded)
    gone = unsaved_user(2, email="gone@example.com", password=encoded, is_active=False)
    users: Any = FakeUsers(ann, gone)
    plans: Any = None
    return PasswordCheck(attempts, UserService(users, plans, NO_EMAIL_CHANGE), noted)


async def test_the_right_password_is_right_and_forgives(check, attempts, noted):
    enter_request(RequestContext(client_address="192.0.2.1"))
    credentials = await check.sign_in("ann@example.com", SECRET)
    assert credentials is not None
    assert credentials.user_id == 1
    assert attempts.asked == attempts.forgiven == [("ann@example.com", "192.0.2.1")]
    assert attempts.wrong == noted == []


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ann@example.com", "wrong"),
        ("ann@example.com", ""),
        ("ann@example.com", SECRET.upper()),
        ("nobody@example.com", SECRET),
        ("nobody@example.com", "decoy"),
        ("gone@example.com", SECRET),
        ("gone@example.com", "wrong"),
    ],
)
async def test_whatever_is_wrong_is_counted_and_not_forgiven(check, attempts, email, password):
    assert await check.sign_in(email, password) is None
    assert [account for account, _ in attempts.wrong] == [email]
    assert attempts.forgiven == []


@pytest.mark.parametrize(
    ("email", "user_id"), [("ann@example.com", 1), ("gone@example.com", 2), ("nobody@example.com", None)]
)
async def test_whatever_is_wrong_is_audited_without_what_was_typed(check, noted, email, user_id):
    await check.sign_in(email, "wrong")
    (entry,) = noted
    assert (entry.action, entry.outcome, entry.target_id) == ("password.refused", Outcome.FAILURE, user_id)
    assert (entry.actor.user_id, entry.before, entry.after) == (None, {}, {})


@pytest.mark.parametrize(("email", "user_id"), [("ann@example.com", 1), ("nobody@example.com", None)])
async def test_the_one_that_begins_a_lock_is_audited_as_that_too(check, attempts, noted, email, user_id):
    attempts.locks_out = "client"
    assert await check.sign_in(email, "wrong") is None
    assert [(entry.action, entry.target_id, entry.outcome, dict(entry.after)) for entry in noted] == [
        ("password.refused", user_id, Outcome.FAILURE, {}),
        ("account.locked", user_id, Outcome.FAILURE, {"locks_out": "client"}),
    ]


async def test_while_locked_not_even_the_right_password_is_judged(check, attempts, noted):
    attempts.locked = 25
    with pytest.raises(TooManyRequests) as refusal:
        await check.sign_in("ann@example.com", SECRET)
    assert (refusal.value.public_code, refusal.value.retry_after_seconds) == ("LOCKED_OUT", 25)
    assert attempts.forgiven == attempts.wrong == noted == []


@pytest.mark.parametrize("password", [SECRET, "wrong"])
async def test_a_pair_locked_meanwhile_is_told_nothing(check, attempts, password):
    attempts.locked_meanwhile = 7
    with pytest.raises(TooManyRequests) as refusal:
        await check.sign_in("ann@example.com", password)
    assert refusal.value.retry_after_seconds == 7


async def test_a_confirmation_is_counted_as_a_sign_in_is(check, attempts):
    credentials = await check.sign_in("ann@example.com", SECRET)
    assert credentials is not None
    assert await check.confirms(credentials, "wrong") is False
    assert await check.confirms(credentials, SECRET) is True
    assert [account for account, _ in attempts.wrong] == ["ann@example.com"]
    assert len(attempts.forgiven) == 2


async def test_outside_a_request_the_address_is_local(check, attempts):
    enter_request(RequestContext())
    await check.sign_in(" ann@example.com ", "wrong")
    assert attempts.wrong == [("ann@example.com", "local")]


async def test_logs_neither_password_nor_hash(check, encoded, caplog):
    with caplog.at_level(logging.DEBUG):
        await check.sign_in("ann@example.com", SECRET)
        await check.sign_in("ann@example.com", SECRET + "x")
    assert SECRET not in caplog.text
    assert encoded not in caplog.text


async def test_whoever_the_door_does_not_admit_is_wrong_with_the_right_password(check, attempts, noted):
    assert await check.sign_in("ann@example.com", SECRET, admits=lambda _credentials: False) is None
    assert ([account for account, _ in attempts.wrong], attempts.forgiven) == (["ann@example.com"], [])
    assert [(entry.action, entry.target_id) for entry in noted] == [("password.refused", 1)]
