"""Proving once more who one is."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from apps.authentication.schemas.login import StepUpRequest
from apps.authentication.services.refresh_tokens import new_family
from apps.authentication.services.step_up import StepUp
from apps.core.errors import NotAllowed, SecondFactorRequired, WrongCode, WrongPassword
from apps.second_factors.schemas.second_factor import FactorKind
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of
from tests.support.fakes import NO_EMAIL_CHANGE, FakeUsers
from tests.unit.authentication.fake_sessions import (
    ME,
    SECRET,
    SESSION,
    FakeFactors,
    FakePasskeys,
    FakePasswords,
    one_session,
)

pytestmark = pytest.mark.unit

CALLER = session_of(ME, session_id=SESSION)


@pytest.fixture
def sessions():
    return one_session(new_family().family_digest)


@pytest.fixture
def factors() -> FakeFactors:
    return FakeFactors()


@pytest.fixture
def step_up(sessions: Any, factors: Any) -> StepUp:
    users: Any = FakeUsers(sessions.session.user)
    plans: Any = None
    passwords: Any = FakePasswords(users)
    passkeys: Any = FakePasskeys()
    return StepUp(sessions, passwords, UserService(users, plans, NO_EMAIL_CHANGE), factors, passkeys)


def by_password(password: str = SECRET) -> StepUpRequest:
    return StepUpRequest(password=SecretStr(password))


async def test_the_password_renews_the_proof_of_the_session_that_asks(step_up, sessions):
    await step_up.prove(CALLER, by_password())
    ((*call, audit),) = sessions.calls
    assert call == ["renew_proof", SESSION, ME, ("pwd",)]
    assert (audit.action, audit.target_id) == ("session.proven", SESSION)


async def test_a_wrong_password_renews_nothing(step_up, sessions):
    with pytest.raises(WrongPassword):
        await step_up.prove(CALLER, by_password("wrong"))
    assert sessions.calls == []


async def test_a_password_alone_is_not_enough_beside_a_second_factor(step_up, sessions, factors):
    factors.kinds = (FactorKind.PASSKEY,)
    with pytest.raises(SecondFactorRequired, match="a password alone is not enough"):
        await step_up.prove(CALLER, by_password())
    assert sessions.calls == []


async def test_a_code_renews_the_proof(step_up, sessions, factors):
    factors.kinds, factors.code = (FactorKind.TOTP,), "123456"
    await step_up.prove(CALLER, StepUpRequest(code="123456"))
    assert [call[:4] for call in sessions.calls] == [("renew_proof", SESSION, ME, ("otp",))]


async def test_a_wrong_code_renews_nothing(step_up, sessions, factors):
    factors.kinds, factors.code = (FactorKind.TOTP,), "123456"
    with pytest.raises(WrongCode):
        await step_up.prove(CALLER, StepUpRequest(code="654321"))
    assert sessions.calls == []


async def test_an_api_key_proves_nothing(step_up, sessions):
    with pytest.raises(NotAllowed):
        await step_up.prove(key_of(ME, "keyhouse:*"), by_password())
    assert sessions.calls == []


@pytest.mark.parametrize("fields", [{}, {"password": SecretStr(SECRET), "code": "123456"}])
def test_exactly_one_proof_is_sent(fields):
    with pytest.raises(ValidationError, match="exactly one"):
        StepUpRequest(**fields)
