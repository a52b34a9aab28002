"""Sessions that go on, and end."""

from dataclasses import replace
from typing import Any

import pytest

from apps.authentication.services.access_tokens import AccessClaims, AccessTokens
from apps.authentication.services.refresh_tokens import new_family, read_refresh_token
from apps.authentication.services.session_service import SessionService
from apps.authentication.services.token_pairs import TokenPairs
from apps.core.authorization.principal import CredentialKind
from apps.core.errors import NotAllowed, NotAuthenticated, NotFound, StepUpRequired
from apps.core.schemas.page import PageQuery
from tests.support.callers import key_of, session_of
from tests.support.fakes import LONG_AGO
from tests.support.rings import new_ring
from tests.unit.authentication.fake_sessions import ME, SESSION, one_session

pytestmark = pytest.mark.unit


@pytest.fixture
def family():
    return new_family()


@pytest.fixture
def sessions(family):
    return one_session(family.family_digest)


@pytest.fixture
def user(sessions):
    return sessions.session.user


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(new_ring(), issuer="keyhouse", audience="keyhouse")


@pytest.fixture
def service(sessions: Any, tokens: Any) -> SessionService:
    return SessionService(sessions, tokens, TokenPairs(tokens))


async def test_a_refresh_token_is_spent_for_the_next_one(service, family):
    pair = await service.refresh(family.encode())
    following = read_refresh_token(pair.refresh_token)
    assert following is not None
    assert (following.family, following.generation) == (family.family, 1)
    with pytest.raises(NotAuthenticated):
        await service.refresh(family.encode())
    assert (await service.refresh(pair.refresh_token)).refresh_token != pair.refresh_token


async def test_a_repeat_gets_the_refresh_token_that_was_missed(service, sessions, family, tokens):
    missed = await service.refresh(family.encode())
    sessions.was_just_rotated = True
    again = await service.refresh(family.encode())
    assert again.refresh_token == missed.refresh_token
    claims = await tokens.read(again.access_token)
    assert (claims.user_id, claims.session_id) == (ME, SESSION)


@pytest.mark.parametrize("text", ["", "rt_", "sk_live_x", "eyJhbGciOiJub25lIn0.e30."])
async def test_what_is_no_refresh_token_does_not_reach_the_database(service, sessions, text):
    with pytest.raises(NotAuthenticated):
        await service.refresh(text)
    assert sessions.calls == []


async def test_an_unknown_family_is_refused(service):
    with pytest.raises(NotAuthenticated):
        await service.refresh(new_family().encode())


UNUSABLE = [{"is_active": False}, {"deleted_at": LONG_AGO}, {"locked_until": LONG_AGO.replace(year=2999)}]


@pytest.mark.parametrize("fields", UNUSABLE, ids=lambda fields: next(iter(fields)))
async def test_an_account_that_may_not_be_used_is_refused_everywhere(service, user, family, tokens, fields):
    token = await tokens.issue(AccessClaims(ME, SESSION))
    assert await service.authenticate(token) is not None
    for name, value in fields.items():
        setattr(user, name, value)
    assert await service.authenticate(token) is None
    with pytest.raises(NotAuthenticated):
        await service.refresh(family.encode())


async def test_a_token_names_the_caller(service, user, tokens):
    user.is_staff = True
    principal = await service.authenticate(await tokens.issue(AccessClaims(ME, SESSION)))
    assert principal is not None
    assert (principal.user_id, principal.session_id, principal.kind) == (ME, SESSION, CredentialKind.SESSION)
    assert (principal.methods, principal.recently_authenticated) == ({"pwd"}, False)
    assert (principal.is_staff, principal.is_superuser) == (True, False)
    assert (principal.scopes, principal.roles) == ({"keys:verify"}, {"service"})


@pytest.mark.parametrize("claims", [AccessClaims(ME, 404), AccessClaims(2, SESSION)])
async def test_a_token_needs_its_own_session(service, tokens, claims):
    assert await service.authenticate(await tokens.issue(claims)) is None


async def test_an_ended_session_is_no_credential(service, sessions, tokens):
    sessions.session.revoked_at = LONG_AGO
    assert await service.authenticate(await tokens.issue(AccessClaims(ME, SESSION))) is None


async def test_one_signs_out_of_one_s_own_sessions_alone(service, sessions):
    await service.logout(session_of(ME, session_id=SESSION))
    assert [call[:2] for call in sessions.calls] == [("revoke", SESSION)]
    for stranger in (session_of(2), session_of(2, is_staff=True, is_superuser=True)):
        with pytest.raises(NotFound):
            await service.end(replace(stranger, recently_authenticated=True), SESSION)
    assert len(sessions.calls) == 1


@pytest.mark.parametrize(("everywhere", "kept_id"), [(False, SESSION), (True, None)])
async def test_one_signs_out_elsewhere_or_everywhere(service, sessions, everywhere, kept_id):
    caller = session_of(ME, session_id=SESSION, recently_authenticated=True)
    await service.end_others(caller, everywhere=everywhere)
    ((*call, audit),) = sessions.calls
    assert call == ["revoke_all", ME, kept_id]
    assert (audit.action, audit.target_kind, audit.after) == ("sessions.ended", "user", {"everywhere": everywhere})


async def test_without_fresh_proof_one_ends_no_session_but_the_one_that_asks(service, sessions):
    stolen = session_of(ME, session_id=7)
    for asked in (service.end(stolen, SESSION), service.end_others(stolen, everywhere=False)):
        with pytest.raises(StepUpRequired):
            await asked
    assert sessions.calls == []
    await service.end(session_of(ME, session_id=SESSION), SESSION)
    assert [call[:2] for call in sessions.calls] == [("revoke", SESSION)]


async def test_an_api_key_has_no_sessions(service, sessions):
    caller = key_of(ME, "keyhouse:*")
    for asked in (
        service.logout(caller),
        service.end(caller, SESSION),
        service.end_others(caller, everywhere=True),
        service.page(caller, PageQuery()),
    ):
        with pytest.raises(NotAllowed):
            await asked
    assert sessions.calls == []


async def test_the_session_that_asks_is_marked(service):
    for session_id, is_current in ((SESSION, True), (7, False)):
        (item,) = (await service.page(session_of(ME, session_id=session_id), PageQuery())).items
        assert (item.id, item.is_current) == (SESSION, is_current)
