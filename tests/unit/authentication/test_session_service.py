"""Authenticating by access tokens, and ending own sessions."""

from dataclasses import replace
from typing import Any

import pytest

from apps.authentication.domain.refresh_token import new_family
from apps.authentication.services.in_transaction.session_revocation import SessionRevocation
from apps.authentication.services.session_service import SessionService
from apps.authentication.services.signed_tokens import AccessClaims, AccessTokens
from apps.core.authorization.catalogue import EVERYONES_SCOPES
from apps.core.authorization.principal import CredentialKind
from apps.core.errors import NotAllowed, NotFound, StepUpRequired
from apps.core.schemas.page import PageQuery
from tests.support.callers import key_of, session_of
from tests.support.fakes import LONG_AGO, FakeAudit
from tests.support.rings import new_ring
from tests.unit.authentication.fakes import ME, SESSION, FakeSessions, one_session

pytestmark = pytest.mark.unit

OTHER_DEVICE = 12


@pytest.fixture
def sessions():
    return FakeSessions(one_session(new_family().family_digest))


@pytest.fixture
def user(sessions):
    return sessions.session.user


@pytest.fixture
def audit():
    return FakeAudit()


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(new_ring(), issuer="keyhouse", audience="keyhouse")


@pytest.fixture
def service(sessions: Any, audit: Any, tokens: Any) -> SessionService:
    return SessionService(sessions, SessionRevocation(sessions, audit), tokens)


UNUSABLE = [{"is_active": False}, {"deleted_at": LONG_AGO}, {"locked_until": LONG_AGO.replace(year=2999)}]


@pytest.mark.parametrize("fields", UNUSABLE, ids=lambda fields: next(iter(fields)))
async def test_account_that_may_not_be_used_is_refused(service, user, tokens, fields):
    token = await tokens.issue(AccessClaims(ME, SESSION))
    assert await service.authenticate(token) is not None
    for name, value in fields.items():
        setattr(user, name, value)
    assert await service.authenticate(token) is None


async def test_token_authenticates_its_account(service, user, tokens):
    user.is_staff = True
    principal = await service.authenticate(await tokens.issue(AccessClaims(ME, SESSION)))
    assert principal is not None
    assert (principal.user_id, principal.session_id, principal.kind) == (ME, SESSION, CredentialKind.SESSION)
    assert (principal.methods, principal.recently_authenticated) == ({"pwd"}, False)
    assert (principal.is_staff, principal.is_superuser) == (True, False)
    assert (principal.scopes, principal.roles) == (EVERYONES_SCOPES | {"keys:verify"}, {"service"})


@pytest.mark.parametrize("claims", [AccessClaims(ME, 404), AccessClaims(2, SESSION)])
async def test_token_needs_its_own_session(service, tokens, claims):
    assert await service.authenticate(await tokens.issue(claims)) is None


async def test_ended_session_does_not_authenticate(service, sessions, tokens):
    sessions.session.revoked_at = LONG_AGO
    assert await service.authenticate(await tokens.issue(AccessClaims(ME, SESSION))) is None


async def test_callers_end_only_their_own_sessions(service, sessions, audit):
    await service.logout(session_of(ME, session_id=SESSION))
    assert sessions.calls == [("revoke", [SESSION], "signed out")]
    assert [(entry.action, entry.target_id, entry.subject_id) for entry in audit.entries] == [
        ("session.ended", SESSION, ME)
    ]
    for other in (session_of(2), session_of(2, is_staff=True, is_superuser=True)):
        with pytest.raises(NotFound):
            await service.end(replace(other, recently_authenticated=True), SESSION)
    assert (len(sessions.calls), len(audit.entries)) == (1, 1)


@pytest.mark.parametrize(("everywhere", "ended"), [(False, [OTHER_DEVICE]), (True, [SESSION, OTHER_DEVICE])])
async def test_callers_end_other_sessions_or_all(service, sessions, user, audit, everywhere, ended):
    sessions.sessions[OTHER_DEVICE] = one_session(b"x" * 32, user, pk=OTHER_DEVICE)
    caller = session_of(ME, session_id=SESSION, recently_authenticated=True)
    await service.end_others(caller, everywhere=everywhere)
    assert sessions.calls == [("revoke", ended, "signed out")]
    (entry,) = audit.entries
    assert (entry.action, entry.target_kind, entry.target_id) == ("sessions.ended", "user", ME)
    assert entry.after == {"everywhere": everywhere, "session_ids": ended}


async def test_nothing_is_recorded_where_no_other_session_is_live(service, audit):
    await service.end_others(session_of(ME, session_id=SESSION, recently_authenticated=True), everywhere=False)
    assert audit.entries == []


async def test_only_the_current_session_ends_without_reauthentication(service, sessions):
    stolen = session_of(ME, session_id=7)
    for refused in (service.end(stolen, SESSION), service.end_others(stolen, everywhere=False)):
        with pytest.raises(StepUpRequired):
            await refused
    assert sessions.calls == []
    await service.end(session_of(ME, session_id=SESSION), SESSION)
    assert sessions.calls == [("revoke", [SESSION], "signed out")]


async def test_api_key_has_no_sessions(service, sessions):
    caller = key_of(ME, "account:read", "account:write")
    for refused in (
        service.logout(caller),
        service.end(caller, SESSION),
        service.end_others(caller, everywhere=True),
        service.page(caller, PageQuery()),
    ):
        with pytest.raises(NotAllowed):
            await refused
    assert sessions.calls == []


async def test_current_session_is_marked(service):
    for session_id, is_current in ((SESSION, True), (7, False)):
        (item,) = (await service.page(session_of(ME, session_id=session_id), PageQuery())).items
        assert (item.id, item.is_current) == (SESSION, is_current)
