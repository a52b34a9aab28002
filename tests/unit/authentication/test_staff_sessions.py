"""Sessions of the admin."""

from typing import Any

import pytest

from apps.authentication.domain.refresh_token import new_family
from apps.authentication.domain.session_rules import Authentication
from apps.authentication.models import Session
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.authentication.services.sign_in import SessionStart
from apps.authentication.services.staff_sessions import StaffSessions, StaffSignedIn
from apps.core.errors import NotAuthenticated
from apps.second_factors.schemas.second_factor import FactorKind
from apps.users.services.credentials import password_digest
from tests.support.fakes import LONG_AGO, FakeAudit, unsaved_user
from tests.unit.authentication.fakes import (
    HASH,
    LIFETIMES,
    ME,
    SECRET,
    SESSION,
    FakeCredentials,
    FakeFactors,
    FakeNotifier,
    FakePasswordCheck,
    FakeSessions,
    one_session,
)

pytestmark = pytest.mark.unit

CUSTOMER = 2
NEEDED = SecondFactorNeeded(second_factor_token="token", kinds=[FactorKind.TOTP], expires_in=300)


class FakeSecondStep:
    """Asks for a second factor, and takes one code."""

    async def begin(self, _first: Authentication) -> SecondFactorNeeded:
        return NEEDED

    async def with_code(self, token: str, code: str) -> Authentication:
        if (token, code) != ("token", "123456"):
            raise NotAuthenticated
        return Authentication(ME, ("pwd", "otp"), password_digest(HASH))


@pytest.fixture
def sessions():
    user = unsaved_user(ME, email="ann@example.com", password=HASH, is_staff=True)
    session = one_session(new_family().family_digest, user)
    session.kind = Session.Kind.ADMIN
    return FakeSessions(session)


@pytest.fixture
def factors():
    return FakeFactors()


@pytest.fixture
def audit():
    return FakeAudit()


@pytest.fixture
def service(sessions: Any, factors: Any, audit: Any) -> StaffSessions:
    customer = unsaved_user(CUSTOMER, email="bob@example.com")
    credentials: Any = FakeCredentials(sessions.session.user, customer)
    notifier: Any = FakeNotifier()
    passwords: Any = FakePasswordCheck(credentials)
    second_step: Any = FakeSecondStep()
    start = SessionStart(sessions, LIFETIMES, credentials, factors, notifier, audit)
    return StaffSessions(start, sessions, LIFETIMES, passwords, second_step)


async def test_staff_password_starts_a_session_without_tokens(service, sessions, audit):
    for is_first in (True, False):
        signed_in = await service.with_password("ann@example.com", SECRET)
        assert signed_in == StaffSignedIn(ME, SESSION, is_first_without_factor=is_first)
    (_, new, lifetime), (_, another, _) = sessions.calls
    assert (new.kind, new.methods, lifetime) == (Session.Kind.ADMIN, ["pwd"], LIFETIMES["admin"])
    assert len(new.family_digest) == 32
    assert new.family_digest != another.family_digest
    entry = audit.entries[0]
    assert (entry.action, entry.after) == ("session.started", {"kind": "admin", "methods": ["pwd"]})


@pytest.mark.parametrize(
    ("email", "password"),
    [("ann@example.com", "wrong"), ("nobody@example.com", SECRET), ("bob@example.com", SECRET)],
    ids=["wrong", "unknown", "customer"],
)
async def test_any_other_password_starts_nothing_and_is_answered_alike(service, sessions, email, password):
    with pytest.raises(NotAuthenticated) as refusal:
        await service.with_password(email, password)
    assert refusal.value.public_message == "The e-mail address or the password is wrong."
    assert sessions.calls == []


async def test_password_starts_nothing_where_a_second_factor_is_needed(service, sessions, factors):
    factors.kinds = (FactorKind.TOTP,)
    assert await service.with_password("ann@example.com", SECRET) is NEEDED
    assert sessions.calls == []


async def test_second_factor_starts_the_session(service, sessions, factors, audit):
    factors.kinds = (FactorKind.TOTP,)
    with pytest.raises(NotAuthenticated):
        await service.with_code("token", "000000")
    assert await service.with_code("token", "123456") == StaffSignedIn(ME, SESSION)
    ((_, new, _),) = sessions.calls
    assert (new.kind, new.methods) == (Session.Kind.ADMIN, ["pwd", "otp"])
    assert audit.entries[0].after == {"kind": "admin", "methods": ["pwd", "otp"]}


async def test_session_authenticates_its_owner(service, sessions):
    sessions.recently_authenticated = True
    principal = await service.authenticate(SESSION, ME)
    assert (principal.user_id, principal.session_id, principal.is_staff) == (ME, SESSION, True)
    assert (principal.methods, principal.recently_authenticated) == ({"pwd"}, True)
    assert sessions.calls == []


async def test_use_is_recorded_where_it_was_not_lately(service, sessions):
    sessions.use_is_recorded = False
    await service.authenticate(SESSION, ME)
    assert sessions.calls == [("record_use", SESSION, LIFETIMES["admin"])]


@pytest.mark.parametrize(("session_id", "user_id"), [(404, ME), (SESSION, CUSTOMER)])
async def test_session_authenticates_no_other_account(service, sessions, session_id, user_id):
    sessions.use_is_recorded = False
    assert await service.authenticate(session_id, user_id) is None
    assert sessions.calls == []


@pytest.mark.parametrize(
    "fields",
    [
        {"is_staff": False},
        {"is_active": False},
        {"deleted_at": LONG_AGO},
        {"locked_until": LONG_AGO.replace(year=2999)},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_session_is_valid_only_while_its_owner_may_use_the_admin(service, sessions, fields):
    for name, value in fields.items():
        setattr(sessions.session.user, name, value)
    assert await service.authenticate(SESSION, ME) is None


async def test_session_of_the_api_does_not_open_the_admin(service, sessions):
    sessions.session.kind = Session.Kind.API
    assert await service.authenticate(SESSION, ME) is None
