"""Setting passwords."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from apps.authentication.schemas.password import PasswordChange
from apps.authentication.services.password_service import PasswordService
from apps.authentication.services.refresh_tokens import new_family
from apps.core.authorization.principal import OPERATOR
from apps.core.crypto.passwords import password_matches
from apps.core.errors import NotAllowed, StepUpRequired, ValidationFailed, WrongPassword
from apps.second_factors.services.factor_rights import FactorRights
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of
from tests.support.fakes import NO_EMAIL_CHANGE, FakeUsers
from tests.unit.authentication.fake_sessions import (
    ME,
    NEW_SECRET,
    SECRET,
    SESSION,
    FakeFactorCounts,
    FakePasswords,
    one_session,
)

pytestmark = pytest.mark.unit


@pytest.fixture
def sessions():
    return one_session(new_family().family_digest)


@pytest.fixture
def parts(sessions: Any) -> tuple[Any, Any, UserService]:
    users: Any = FakeUsers(sessions.session.user)
    plans: Any = None
    return sessions, FakePasswords(users), UserService(users, plans, NO_EMAIL_CHANGE)


@pytest.fixture
def factors() -> FakeFactorCounts:
    return FakeFactorCounts()


@pytest.fixture
def service(parts: Any, factors: Any) -> PasswordService:
    sessions, passwords, users = parts
    return PasswordService(sessions, passwords, users, FactorRights(factors, users))


def password_change(current=SECRET, new=NEW_SECRET):
    return PasswordChange(current_password=SecretStr(current), new_password=SecretStr(new))


async def test_a_password_is_changed_and_its_own_session_kept(service, sessions):
    await service.change(session_of(ME, session_id=SESSION), password_change())
    _, user_id, password_hash, kept_id, audit = sessions.calls[0]
    assert (user_id, kept_id, audit.action) == (ME, SESSION, "user.password_changed")
    assert await password_matches(NEW_SECRET, password_hash)
    assert (audit.before, audit.after) == ({}, {})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (password_change(current="wrong"), WrongPassword),
        (password_change(new="password"), ValidationFailed),
        (password_change(new="ann@example.com"), ValidationFailed),
    ],
    ids=["wrong current", "common", "like the address"],
)
async def test_a_password_is_not_changed(service, sessions, change, error):
    with pytest.raises(error):
        await service.change(session_of(ME, session_id=SESSION), change)
    assert sessions.calls == []


async def test_an_account_with_a_second_factor_changes_its_password_with_fresh_proof_only(service, sessions, factors):
    factors.has_totp = True
    stale = session_of(ME, session_id=SESSION, methods=frozenset({"pwd", "otp"}))
    by_password = replace(stale, methods=frozenset({"pwd"}), recently_authenticated=True)
    for caller in (stale, by_password):
        with pytest.raises(StepUpRequired):
            await service.change(caller, password_change())
    assert sessions.calls == []
    await service.change(replace(stale, recently_authenticated=True), password_change())
    assert [call[0] for call in sessions.calls] == ["change_password"]


async def test_an_api_key_changes_no_password(service, sessions):
    with pytest.raises(NotAllowed):
        await service.change(key_of(ME, "keyhouse:*"), password_change())
    assert sessions.calls == []


async def test_the_operator_sets_a_password_and_ends_every_session(service, sessions):
    await service.set(OPERATOR, ME, NEW_SECRET)
    _, user_id, password_hash, kept_id, audit = sessions.calls[0]
    assert (user_id, kept_id, audit.action) == (ME, None, "user.password_changed")
    assert await password_matches(NEW_SECRET, password_hash)


@pytest.mark.parametrize("caller", [session_of(ME), session_of(ME, is_staff=True)])
async def test_nobody_else_sets_a_password_without_the_one_that_is(service, sessions, caller):
    with pytest.raises(NotAllowed):
        await service.set(caller, ME, NEW_SECRET)
    assert sessions.calls == []
