"""An account's sessions, for its owner and for staff."""

from typing import Any

import pytest

from apps.authentication.services.account_sessions import AccountSessions
from apps.authentication.services.refresh_tokens import new_family
from apps.core.authorization.principal import OPERATOR
from apps.core.errors import NotAllowed, NotFound, StepUpRequired
from apps.core.schemas.page import PageQuery
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import NO_EMAIL_CHANGE, FakeUsers, unsaved_user
from tests.unit.authentication.fake_sessions import ME, SESSION, one_session

pytestmark = pytest.mark.unit

COLLEAGUE, BOSS = 2, 3


@pytest.fixture
def sessions():
    return one_session(new_family().family_digest)


@pytest.fixture
def service(sessions: Any) -> AccountSessions:
    colleagues = [unsaved_user(user_id, is_staff=True) for user_id in (COLLEAGUE, BOSS)]
    users: Any = FakeUsers(sessions.session.user, *colleagues)
    plans: Any = None
    return AccountSessions(sessions, UserService(users, plans, NO_EMAIL_CHANGE))


ALLOWED = [
    (session_of(ME, session_id=SESSION, recently_authenticated=True), "signed out"),
    (staff_of(COLLEAGUE), "ended by staff"),
    (key_of(COLLEAGUE, "keyhouse:staff", is_staff=True), "ended by staff"),
    (OPERATOR, "ended by staff"),
]


@pytest.mark.parametrize(("actor", "reason"), ALLOWED)
async def test_the_owner_and_staff_end_them(service, sessions, actor, reason):
    await service.end(actor, ME, SESSION)
    await service.end_all(actor, ME)
    (end, *one, first), (end_all, *all_of_them, second) = sessions.calls
    assert (end, one[0], first) == ("revoke", SESSION, reason)
    assert (end_all, all_of_them[:2], second) == ("revoke_all", [ME, None], reason)
    assert (one[-1].action, all_of_them[-1].action) == ("session.ended", "sessions.ended")
    assert one[-1].actor is all_of_them[-1].actor is actor


@pytest.mark.parametrize(("actor", "is_current"), [(ALLOWED[0][0], True), (ALLOWED[1][0], False), (OPERATOR, False)])
async def test_the_owner_and_staff_see_them(service, actor, is_current):
    (item,) = (await service.page(actor, ME, PageQuery())).items
    assert (item.id, item.is_current) == (SESSION, is_current)


@pytest.mark.parametrize(
    ("actor", "user_id"),
    [
        (session_of(9), ME),
        (key_of(ME, "keyhouse:*"), ME),
        (key_of(COLLEAGUE, "keyhouse:account", is_staff=True), ME),
        (staff_of(COLLEAGUE), BOSS),
    ],
    ids=["another customer", "the owner's key", "a key without staff rights", "another member of staff"],
)
async def test_others_may_not(service, sessions, actor, user_id):
    for asked in (
        service.page(actor, user_id, PageQuery()),
        service.end(actor, user_id, SESSION),
        service.end_all(actor, user_id),
    ):
        with pytest.raises(NotAllowed):
            await asked
    assert sessions.calls == []


async def test_without_fresh_proof_the_owner_ends_the_session_that_asks_alone(service, sessions):
    for asked in (service.end(session_of(ME), ME, SESSION), service.end_all(session_of(ME), ME)):
        with pytest.raises(StepUpRequired):
            await asked
    assert sessions.calls == []
    await service.end(session_of(ME, session_id=SESSION), ME, SESSION)
    assert [call[:2] for call in sessions.calls] == [("revoke", SESSION)]


async def test_a_superuser_ends_those_of_staff(service, sessions):
    await service.end_all(staff_of(BOSS, is_superuser=True), COLLEAGUE)
    assert sessions.calls[0][:3] == ("revoke_all", COLLEAGUE, None)


async def test_an_account_that_is_not_there_has_none(service, sessions):
    with pytest.raises(NotFound):
        await service.end_all(staff_of(COLLEAGUE), 404)
    assert sessions.calls == []
