"""Checking passwords."""

import logging
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password

from apps.audit.domain.audit_entry import Outcome
from apps.authentication.domain.session_rules import Authentication
from apps.authentication.repositories.login_attempt_repository import CountedWrong
from apps.authentication.services.password_check import PasswordCheck
from apps.core.errors import NotAuthenticated, TooManyRequests, WrongPassword
from apps.core.request_context import RequestContext, enter_request
from apps.users.services.credentials import Credentials, password_digest
from tests.support.fakes import FakeAudit, unsaved_user
from tests.unit.authentication.fakes import SECRET, FakeCredentials

pytestmark = pytest.mark.unit


class FakeAttempts:
    """Counts attempts in memory; `locked` and `locked_meanwhile` are the seconds returned before and after checking."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.wrong: list[tuple[str, str]] = []
        self.right: list[tuple[str, str]] = []
        self.locked = 0
        self.locked_meanwhile = 0
        self.locks_out: str | None = None

    async def locked_seconds(self, account: str, client_address: str) -> int:
        self.asked.append((account, client_address))
        return self.locked

    async def count_wrong(self, account: str, client_address: str) -> CountedWrong:
        self.wrong.append((account, client_address))
        return CountedWrong(self.locked_meanwhile, self.locks_out)

    async def count_right(self, account: str, client_address: str) -> int:
        self.right.append((account, client_address))
        return self.locked_meanwhile


@pytest.fixture
def attempts():
    return FakeAttempts()


@pytest.fixture
def audit():
    return FakeAudit()


@pytest.fixture(scope="module")
def encoded():
    return make_password(SECRET)


@pytest.fixture
def ann(encoded: str):
    return unsaved_user(1, email="ann@example.com", password=encoded)


@pytest.fixture
def check(attempts: Any, ann: Any, encoded: str, audit: Any) -> PasswordCheck:
    gone = unsaved_user(2, email="gone@example.com", password=encoded, is_active=False)
    credentials: Any = FakeCredentials(ann, gone)
    return PasswordCheck(attempts, credentials, audit)


async def refused(check: PasswordCheck, email: str, password: str, **options: Any) -> str:
    with pytest.raises(NotAuthenticated) as refusal:
        await check.authenticate(email, password, **options)
    return refusal.value.public_code


async def test_right_password_authenticates_and_resets_the_count(check, attempts, audit, encoded):
    enter_request(RequestContext(client_address="192.0.2.1"))
    shown = await check.authenticate("ann@example.com", SECRET)
    assert shown == Authentication(1, ("pwd",), password_digest(encoded))
    assert attempts.asked == attempts.right == [("ann@example.com", "192.0.2.1")]
    assert attempts.wrong == audit.entries == []


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
async def test_wrong_password_is_counted_and_answered_alike(check, attempts, email, password):
    assert await refused(check, email, password) == "WRONG_CREDENTIALS"
    assert [account for account, _ in attempts.wrong] == [email]
    assert attempts.right == []


@pytest.mark.parametrize(
    ("email", "user_id"), [("ann@example.com", 1), ("gone@example.com", 2), ("nobody@example.com", None)]
)
async def test_wrong_password_is_recorded_without_what_was_typed(check, audit, email, user_id):
    await refused(check, email, "wrong")
    (entry,) = audit.entries
    assert (entry.action, entry.outcome, entry.target_id) == ("password.refused", Outcome.FAILURE, user_id)
    assert (entry.actor.user_id, entry.before, entry.after) == (None, {}, {})


@pytest.mark.parametrize(("email", "user_id"), [("ann@example.com", 1), ("nobody@example.com", None)])
async def test_attempt_that_begins_a_lock_is_recorded_as_that_too(check, attempts, audit, email, user_id):
    attempts.locks_out = "client"
    await refused(check, email, "wrong")
    assert [(entry.action, entry.target_id, entry.outcome, dict(entry.after)) for entry in audit.entries] == [
        ("password.refused", user_id, Outcome.FAILURE, {}),
        ("account.locked", user_id, Outcome.FAILURE, {"locks_out": "client"}),
    ]


async def test_no_password_is_checked_while_locked(check, attempts, audit):
    attempts.locked = 25
    with pytest.raises(TooManyRequests) as refusal:
        await check.authenticate("ann@example.com", SECRET)
    assert (refusal.value.public_code, refusal.value.retry_after_seconds) == ("LOCKED_OUT", 25)
    assert attempts.right == attempts.wrong == audit.entries == []


@pytest.mark.parametrize("password", [SECRET, "wrong"])
async def test_pair_that_was_locked_meanwhile_learns_nothing(check, attempts, password):
    attempts.locked_meanwhile = 7
    with pytest.raises(TooManyRequests) as refusal:
        await check.authenticate("ann@example.com", password)
    assert refusal.value.retry_after_seconds == 7


async def test_confirmation_is_counted_as_a_sign_in_is(check, attempts, ann):
    await check.require(Credentials.of(ann), SECRET)
    with pytest.raises(WrongPassword):
        await check.require(Credentials.of(ann), "wrong")
    assert [account for account, _ in attempts.wrong] == ["ann@example.com"]
    assert len(attempts.right) == 1


async def test_address_outside_a_request_is_local(check, attempts):
    enter_request(RequestContext())
    await refused(check, " ann@example.com ", "wrong")
    assert attempts.wrong == [("ann@example.com", "local")]


async def test_neither_password_nor_hash_is_logged(check, encoded, caplog):
    with caplog.at_level(logging.DEBUG):
        await check.authenticate("ann@example.com", SECRET)
        await refused(check, "ann@example.com", SECRET + "x")
    assert SECRET not in caplog.text
    assert encoded not in caplog.text


async def test_right_password_of_a_customer_counts_as_wrong_where_only_staff_sign_in(check, attempts, audit, ann):
    assert await refused(check, "ann@example.com", SECRET, staff_only=True) == "WRONG_CREDENTIALS"
    assert ([account for account, _ in attempts.wrong], attempts.right) == (["ann@example.com"], [])
    assert [(entry.action, entry.target_id) for entry in audit.entries] == [("password.refused", 1)]
    ann.is_staff = True
    assert (await check.authenticate("ann@example.com", SECRET, staff_only=True)).user_id == 1
