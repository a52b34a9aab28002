"""An account's sessions, for its owner and for staff, and those of all accounts."""

from typing import Any

import pytest

from apps.authentication.domain.refresh_token import new_family
from apps.authentication.services.in_transaction.session_revocation import SessionRevocation
from apps.authentication.services.session_service import AccountSessions
from apps.core.authorization.catalogue import ACCOUNT_READ, ACCOUNT_WRITE, SECURITY_READ, SECURITY_WRITE, STAFF_READ
from apps.core.authorization.principal import OPERATOR
from apps.core.errors import NotAllowed, NotFound, StepUpRequired
from apps.core.schemas.page import PageQuery
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import FakeAccounts, FakeAudit, FakeUsers, unsaved_user
from tests.unit.authentication.fakes import ME, SESSION, FakeSessions, one_session

pytestmark = pytest.mark.unit

COLLEAGUE, BOSS = 2, 3
SECURITY = (SECURITY_READ, SECURITY_WRITE)


@pytest.fixture
def sessions():
    return FakeSessions(one_session(new_family().family_digest))


@pytest.fixture
def audit():
    return FakeAudit()


@pytest.fixture
def accounts(sessions: Any) -> FakeAccounts:
    colleagues = [unsaved_user(user_id, is_staff=True) for user_id in (COLLEAGUE, BOSS)]
    return FakeAccounts(FakeUsers(sessions.session.user, *colleagues))


@pytest.fixture
def service(sessions: Any, audit: Any, accounts: Any) -> AccountSessions:
    users = UserService(accounts._users)
    return AccountSessions(sessions, SessionRevocation(sessions, audit), users, accounts, batch_size=2)


ALLOWED = [
    (session_of(ME, session_id=SESSION, recently_authenticated=True), "signed out"),
    (staff_of(COLLEAGUE, *SECURITY), "ended by staff"),
    (key_of(COLLEAGUE, *SECURITY, is_staff=True), "ended by staff"),
    (OPERATOR, "ended by staff"),
]


@pytest.mark.parametrize(("actor", "reason"), ALLOWED)
async def test_owner_and_staff_end_sessions(service, sessions, audit, accounts, actor, reason):
    await service.end(actor, ME, SESSION)
    await service.end_all(actor, ME)
    assert sessions.calls == [("revoke", [SESSION], reason)] * 2
    one, all_of_them = audit.entries
    assert (one.action, one.target_id, one.subject_id) == ("session.ended", SESSION, ME)
    assert (all_of_them.action, all_of_them.target_id) == ("sessions.ended", ME)
    assert all_of_them.after == {"everywhere": True, "session_ids": [SESSION]}
    assert one.actor is all_of_them.actor is actor
    assert accounts.locked == [ME, ME]


@pytest.mark.parametrize(("actor", "is_current"), [(ALLOWED[0][0], True), (ALLOWED[1][0], False), (OPERATOR, False)])
async def test_owner_and_staff_list_sessions(service, actor, is_current):
    (item,) = (await service.page(actor, ME, PageQuery())).items
    assert (item.id, item.is_current) == (SESSION, is_current)


@pytest.mark.parametrize(
    ("actor", "user_id"),
    [
        (session_of(9), ME),
        (key_of(ME, ACCOUNT_READ, ACCOUNT_WRITE), ME),
        (key_of(COLLEAGUE, ACCOUNT_READ, ACCOUNT_WRITE, is_staff=True), ME),
        (staff_of(COLLEAGUE), ME),
        (staff_of(COLLEAGUE, *SECURITY), BOSS),
    ],
    ids=["another customer", "the owner's key", "a key without the scopes", "staff without", "another's of staff"],
)
async def test_others_are_refused(service, sessions, audit, actor, user_id):
    for refused in (
        service.page(actor, user_id, PageQuery()),
        service.end(actor, user_id, SESSION),
        service.end_all(actor, user_id),
    ):
        with pytest.raises(NotAllowed):
            await refused
    assert (sessions.calls, audit.entries) == ([], [])


async def test_owner_ends_only_the_current_session_without_reauthentication(service, sessions):
    for refused in (service.end(session_of(ME), ME, SESSION), service.end_all(session_of(ME), ME)):
        with pytest.raises(StepUpRequired):
            await refused
    assert sessions.calls == []
    await service.end(session_of(ME, session_id=SESSION), ME, SESSION)
    assert sessions.calls == [("revoke", [SESSION], "signed out")]


async def test_superuser_ends_sessions_of_staff(service, accounts, audit):
    await service.end_all(staff_of(BOSS, is_superuser=True), COLLEAGUE)
    assert (accounts.locked, audit.entries) == ([COLLEAGUE], [])  # there was none to end


async def test_sessions_of_staff_are_listed_for_those_who_may_read_about_staff(service):
    assert (await service.page(staff_of(COLLEAGUE, *SECURITY, STAFF_READ), BOSS, PageQuery())).total == 0
    with pytest.raises(NotAllowed):
        await service.end_all(staff_of(COLLEAGUE, *SECURITY, STAFF_READ), BOSS)


async def test_missing_account_is_not_found(service, sessions):
    actor = staff_of(COLLEAGUE, *SECURITY)
    for refused in (service.end_all(actor, 404), service.page(actor, 404, PageQuery())):
        with pytest.raises(NotFound):
            await refused
    assert sessions.calls == []


async def test_session_of_another_account_is_not_found(service, sessions, audit):
    with pytest.raises(NotFound):
        await service.end(staff_of(BOSS, is_superuser=True), COLLEAGUE, SESSION)
    assert (sessions.calls, audit.entries) == ([], [])


async def test_all_sessions_end_in_batches_with_one_event_an_account(service, sessions, audit):
    colleague = unsaved_user(COLLEAGUE)
    for pk in (10, 11, 12):
        sessions.sessions[pk] = one_session(bytes([pk]) * 32, colleague, pk=pk)
    assert (await service.end_of_all_accounts(OPERATOR)).sessions == 4
    assert sessions.calls == [
        ("revoke", [SESSION, 10], "all sessions were ended"),
        ("revoke", [11, 12], "all sessions were ended"),
    ]
    assert [(entry.target_id, entry.after["session_ids"]) for entry in audit.entries] == [
        (ME, [SESSION]),
        (COLLEAGUE, [10]),
        (COLLEAGUE, [11, 12]),
    ]


async def test_only_superusers_end_all_sessions(service, sessions):
    with pytest.raises(NotAllowed):
        await service.end_of_all_accounts(staff_of(COLLEAGUE))
    assert sessions.calls == []
