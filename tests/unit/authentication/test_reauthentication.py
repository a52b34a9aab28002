"""Re-authentication of a session's owner."""

import pytest
from pydantic import SecretStr, ValidationError

from apps.authentication.domain.refresh_token import new_family
from apps.authentication.schemas.login import StepUpRequest
from apps.authentication.services.reauthentication import Reauthentication, SessionAuthentication
from apps.core.errors import NotAllowed, NotFound, SecondFactorRequired, WrongCode, WrongPassword
from apps.second_factors.schemas.second_factor import FactorKind
from tests.support.callers import key_of, session_of
from tests.support.fakes import FakeAccounts, FakeAudit, FakeUsers
from tests.unit.authentication.fakes import (
    ME,
    SECRET,
    SESSION,
    FakeCredentials,
    FakeFactors,
    FakePasskeys,
    FakePasswordCheck,
    FakeSessions,
    built,
    one_session,
)

pytestmark = pytest.mark.unit

CALLER = session_of(ME, session_id=SESSION)


class Scene:
    """The services with everything they are given."""

    def __init__(self) -> None:
        session = one_session(new_family().family_digest)
        self.sessions = FakeSessions(session)
        self.accounts = FakeAccounts(FakeUsers(session.user))
        self.factors = FakeFactors()
        self.audit = FakeAudit()
        credentials = FakeCredentials(session.user)
        passwords = FakePasswordCheck(credentials)
        passkeys = FakePasskeys()
        self.authentication = built(SessionAuthentication, self.sessions, self.accounts, self.factors, self.audit)
        self.service = built(Reauthentication, self.authentication, passwords, credentials, self.factors, passkeys)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def by_password(password: str = SECRET) -> StepUpRequest:
    return StepUpRequest(password=SecretStr(password))


async def test_password_reauthenticates_the_calling_session(scene):
    await scene.service.confirm(CALLER, by_password())
    assert scene.sessions.calls == [("record_authentication", SESSION, ["pwd"])]
    assert scene.accounts.locked == [ME]
    (entry,) = scene.audit.entries
    assert (entry.action, entry.target_id, entry.after) == ("session.proven", SESSION, {"methods": ["pwd"]})


async def test_wrong_password_records_nothing(scene):
    with pytest.raises(WrongPassword):
        await scene.service.confirm(CALLER, by_password("wrong"))
    assert (scene.sessions.calls, scene.audit.entries) == ([], [])


async def test_password_is_not_enough_beside_a_second_factor(scene):
    scene.factors.kinds = (FactorKind.PASSKEY,)
    with pytest.raises(SecondFactorRequired, match="a code or a passkey instead of the password"):
        await scene.service.confirm(CALLER, by_password())
    assert scene.sessions.calls == []


async def test_code_reauthenticates(scene):
    scene.factors.kinds, scene.factors.code = (FactorKind.TOTP,), "123456"
    await scene.service.confirm(CALLER, StepUpRequest(code="123456"))
    assert scene.sessions.calls == [("record_authentication", SESSION, ["otp", "pwd"])]
    assert scene.audit.entries[0].after == {"methods": ["otp"]}


async def test_wrong_code_records_nothing(scene):
    scene.factors.kinds, scene.factors.code = (FactorKind.TOTP,), "123456"
    with pytest.raises(WrongCode):
        await scene.service.confirm(CALLER, StepUpRequest(code="654321"))
    assert scene.sessions.calls == []


async def test_api_key_cannot_reauthenticate(scene):
    with pytest.raises(NotAllowed):
        await scene.service.confirm(key_of(ME, "account:read", "account:write"), by_password())
    assert scene.sessions.calls == []


async def test_enrolled_factor_authenticates_the_session(scene):
    scene.factors.kinds = (FactorKind.TOTP,)
    await scene.authentication.record(CALLER, ("otp",))
    assert scene.sessions.calls == [("record_authentication", SESSION, ["otp", "pwd"])]
    assert [(entry.action, entry.target_id) for entry in scene.audit.entries] == [("session.proven", SESSION)]


async def test_password_that_was_checked_before_a_factor_was_added_is_not_enough(scene):
    scene.factors.kinds = (FactorKind.TOTP,)
    with pytest.raises(SecondFactorRequired):
        await scene.authentication.record(CALLER, ("pwd",))
    assert (scene.sessions.calls, scene.accounts.locked) == ([], [ME])


async def test_ended_session_is_not_reauthenticated(scene):
    with pytest.raises(NotFound):
        await scene.authentication.record(session_of(ME, session_id=404), ("pwd",))
    assert (scene.sessions.calls, scene.audit.entries) == ([], [])


@pytest.mark.parametrize("fields", [{}, {"password": SecretStr(SECRET), "code": "123456"}])
def test_request_holds_exactly_one_authentication(fields):
    with pytest.raises(ValidationError, match="exactly one"):
        StepUpRequest(**fields)
