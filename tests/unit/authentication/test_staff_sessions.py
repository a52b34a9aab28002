"""Sessions of the admin."""

from typing import Any

import pytest

from apps.authentication.models import Session
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.authentication.services.proof import Proof
from apps.authentication.services.refresh_tokens import new_family
from apps.authentication.services.staff_sessions import StaffSessions, StaffSignedIn
from apps.core.errors import NotAuthenticated
from apps.second_factors.schemas.second_factor import FactorKind
from apps.users.services.credentials import password_digest
from tests.support.callers import session_of
from tests.support.fakes import LONG_AGO, FakeUsers, unsaved_user
from tests.unit.authentication.fake_sessions import ME, SECRET, SESSION, FakePasswords, one_session

pytestmark = pytest.mark.unit

CUSTOMER = 2
NEEDED = SecondFactorNeeded(second_factor_token="token", kinds=[FactorKind.TOTP], expires_in=300)


class FakeSecondStep:
    """Asks for a second factor where it is told to, and takes one code."""

    def __init__(self) -> None:
        self.needed: SecondFactorNeeded | None = None

    async def ask_if_needed(self, _proof: Proof) -> SecondFactorNeeded | None:
        return self.needed

    async def with_code(self, token: str, code: str) -> Proof:
        if (token, code) != ("token", "123456"):
            raise NotAuthenticated
        return Proof(ME, ("pwd", "otp"), judged_digest="digest")


@pytest.fixture
def sessions():
    user = unsaved_user(ME, email="ann@example.com", password="argon2$hash", is_staff=True)
    found = one_session(new_family().family_digest, user)
    found.session.kind = Session.Kind.ADMIN
    return found


@pytest.fixture
def second_step():
    return FakeSecondStep()


@pytest.fixture
def service(sessions: Any, second_step: Any) -> StaffSessions:
    passwords: Any = FakePasswords(FakeUsers(sessions.session.user, unsaved_user(CUSTOMER, email="bob@example.com")))
    return StaffSessions(sessions, passwords, second_step)


async def test_the_password_of_staff_starts_a_session_without_tokens(service, sessions):
    for _ in range(2):
        assert await service.with_password("ann@example.com", SECRET) == StaffSignedIn(ME, SESSION)
    (_, new, audit), (_, another, _) = sessions.calls
    assert (new.kind, new.methods, new.judged_digest) == (
        Session.Kind.ADMIN, ("pwd",), password_digest("argon2$hash"),
    )  # fmt: skip
    assert len(new.family_digest) == 32
    assert new.family_digest != another.family_digest
    assert (audit.action, audit.after) == ("session.started", {"kind": "admin", "methods": ["pwd"]})


@pytest.mark.parametrize(
    ("email", "password"),
    [("ann@example.com", "wrong"), ("nobody@example.com", SECRET), ("bob@example.com", SECRET)],
    ids=["wrong", "unknown", "customer"],
)
async def test_whatever_else_is_given_starts_nothing_and_is_answered_alike(service, sessions, email, password):
    with pytest.raises(NotAuthenticated) as refusal:
        await service.with_password(email, password)
    assert refusal.value.public_message == "The e-mail address or the password is wrong."
    assert sessions.calls == []


async def test_where_a_second_factor_is_needed_the_password_starts_nothing(service, sessions, second_step):
    second_step.needed = NEEDED
    assert await service.with_password("ann@example.com", SECRET) is NEEDED
    assert sessions.calls == []


async def test_the_second_factor_starts_it(service, sessions):
    with pytest.raises(NotAuthenticated):
        await service.with_code("token", "000000")
    assert await service.with_code("token", "123456") == StaffSignedIn(ME, SESSION)
    ((_, new, audit),) = sessions.calls
    assert (new.kind, new.methods, new.judged_digest) == (Session.Kind.ADMIN, ("pwd", "otp"), "digest")
    assert audit.after == {"kind": "admin", "methods": ["pwd", "otp"]}


async def test_a_factor_that_was_just_added_is_proof_of_the_session(service, sessions):
    await service.note_enrolment(session_of(ME, session_id=SESSION), "otp")
    (call,) = sessions.calls
    assert call[:4] == ("renew_proof", SESSION, ME, ("otp",))
    assert (call[4].action, call[4].target_id) == ("session.proven", SESSION)


async def test_it_makes_its_owner_the_caller(service, sessions):
    sessions.recently_authenticated = True
    principal = await service.authenticate(SESSION, ME)
    assert (principal.user_id, principal.session_id, principal.is_staff) == (ME, SESSION, True)
    assert (principal.methods, principal.recently_authenticated) == ({"pwd"}, True)


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
