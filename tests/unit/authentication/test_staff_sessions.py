"""Sessions of the admin."""

from typing import Any

import pytest

from apps.authentication.models import Session
from apps.authentication.services.refresh_tokens import new_family
from apps.authentication.services.sign_in import Proof
from apps.authentication.services.staff_sessions import StaffSessions
from tests.support.fakes import LONG_AGO, FakeUsers, unsaved_user
from tests.unit.authentication.fake_sessions import ME, SECRET, SESSION, FakePasswords, one_session

pytestmark = pytest.mark.unit

CUSTOMER = 2


@pytest.fixture
def sessions():
    user = unsaved_user(ME, email="ann@example.com", password="argon2$hash", is_staff=True)
    found = one_session(new_family().family_digest, user)
    found.session.kind = Session.Kind.ADMIN
    return found


@pytest.fixture
def service(sessions: Any) -> StaffSessions:
    passwords: Any = FakePasswords(FakeUsers(sessions.session.user, unsaved_user(CUSTOMER, email="bob@example.com")))
    return StaffSessions(sessions, passwords)


async def test_the_password_of_staff_proves_who_they_are(service):
    assert await service.judge("ann@example.com", SECRET) == Proof(ME, ("pwd",), "argon2$hash")


@pytest.mark.parametrize(
    ("email", "password"),
    [("ann@example.com", "wrong"), ("nobody@example.com", SECRET), ("bob@example.com", SECRET)],
    ids=["wrong", "unknown", "customer"],
)
async def test_whatever_else_is_given_proves_nothing(service, email, password):
    assert await service.judge(email, password) is None


async def test_a_session_of_the_admin_has_no_tokens_and_is_told_of(service, sessions):
    assert await service.start(Proof(ME, ("pwd",), "argon2$hash")) == SESSION
    assert await service.start(Proof(ME, ("pwd",), "argon2$hash")) == SESSION
    (_, new, audit), (_, another, _) = sessions.calls
    assert (new.kind, new.methods, new.password_hash) == (Session.Kind.ADMIN, ("pwd",), "argon2$hash")
    assert len(new.family_digest) == 32
    assert new.family_digest != another.family_digest
    assert (audit.action, audit.after) == ("session.started", {"kind": "admin", "methods": ["pwd"]})


async def test_it_makes_its_owner_the_caller(service, sessions):
    sessions.is_recently_proven = True
    principal = await service.authenticate(SESSION, ME)
    assert (principal.user_id, principal.session_id, principal.is_staff) == (ME, SESSION, True)
    assert (principal.methods, principal.is_recently_proven) == ({"pwd"}, True)


@pytest.mark.parametrize(("session_id", "user_id"), [(404, ME), (SESSION, CUSTOMER)])
async def test_it_is_nobody_elses(service, session_id, user_id):
    assert await service.authenticate(session_id, user_id) is None


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
async def test_it_holds_as_long_as_its_owner_may_use_the_admin(service, sessions, fields):
    for name, value in fields.items():
        setattr(sessions.session.user, name, value)
    assert await service.authenticate(SESSION, ME) is None


async def test_a_session_of_the_api_opens_no_admin(service, sessions):
    sessions.session.kind = Session.Kind.API
    assert await service.authenticate(SESSION, ME) is None
