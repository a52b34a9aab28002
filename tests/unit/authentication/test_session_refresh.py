"""Exchanging refresh tokens."""

from datetime import timedelta

import pytest

from apps.audit.domain.audit_entry import Outcome
from apps.authentication.domain.refresh_token import RefreshToken, new_family, read_refresh_token
from apps.authentication.services.session_refresh import SessionRefresh
from apps.authentication.services.signed_tokens import AccessTokens
from apps.core.errors import NotAuthenticated
from apps.users.services.in_transaction.security_notifier import SecurityNotice
from tests.support.fakes import LONG_AGO, FakeAudit
from tests.support.rings import new_ring
from tests.unit.authentication.fakes import LIFETIMES, ME, SESSION, FakeNotifier, FakeSessions, built, one_session

pytestmark = pytest.mark.unit


class Scene:
    """The service with everything it is given, and the first token of a session."""

    def __init__(self) -> None:
        self.first = new_family()
        self.sessions = FakeSessions(one_session(self.first.family_digest))
        self.notifier = FakeNotifier()
        self.audit = FakeAudit()
        self.tokens = AccessTokens(new_ring(), issuer="keyhouse", audience="keyhouse")
        self.service = built(SessionRefresh, self.sessions, LIFETIMES, self.tokens, self.notifier, self.audit)

    def let_pass(self, seconds: float) -> None:
        """Let the database's clock move on."""
        vars(self.sessions.session)["database_now"] += timedelta(seconds=seconds)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_refresh_token_is_spent_for_the_next_one(scene):
    pair = await scene.service.refresh(scene.first.encode())
    following = read_refresh_token(pair.refresh_token)
    assert following is not None
    assert (following.family, following.generation) == (scene.first.family, 1)
    assert scene.sessions.calls == [("rotate", SESSION, LIFETIMES["api"])]
    assert (await scene.service.refresh(pair.refresh_token)).refresh_token != pair.refresh_token


async def test_retry_gets_the_refresh_token_that_was_missed(scene):
    missed = await scene.service.refresh(scene.first.encode())
    scene.let_pass(9)
    again = await scene.service.refresh(scene.first.encode())
    assert again.refresh_token == missed.refresh_token
    claims = await scene.tokens.read(again.access_token)
    assert (claims.user_id, claims.session_id) == (ME, SESSION)
    assert (len(scene.sessions.calls), scene.audit.entries) == (1, [])


async def test_token_that_was_spent_long_ago_ends_the_session(scene):
    await scene.service.refresh(scene.first.encode())
    scene.let_pass(10)
    with pytest.raises(NotAuthenticated):
        await scene.service.refresh(scene.first.encode())
    assert scene.sessions.calls[-1] == ("revoke", [SESSION], "refresh token reused")
    (entry,) = scene.audit.entries
    assert (entry.action, entry.target_id, entry.subject_id) == ("session.reuse_detected", SESSION, ME)
    assert (entry.actor.user_id, entry.outcome) == (None, Outcome.FAILURE)
    assert scene.notifier.notices == [(ME, SecurityNotice.TOKEN_REUSED, str(SESSION), None)]


@pytest.mark.parametrize("text", ["", "rt_", "sk_live_x", "eyJhbGciOiJub25lIn0.e30."])
async def test_malformed_refresh_token_does_not_reach_the_database(scene, text):
    with pytest.raises(NotAuthenticated):
        await scene.service.refresh(text)
    assert (scene.sessions.calls, scene.sessions.locked) == ([], set())


async def test_unknown_family_is_refused(scene):
    with pytest.raises(NotAuthenticated):
        await scene.service.refresh(new_family().encode())


async def test_token_of_a_later_generation_ends_the_session(scene):
    with pytest.raises(NotAuthenticated):
        await scene.service.refresh(RefreshToken(scene.first.family, 7).encode())
    assert scene.sessions.calls == [("revoke", [SESSION], "refresh token reused")]


@pytest.mark.parametrize(
    "fields",
    [{"is_active": False}, {"deleted_at": LONG_AGO}, {"locked_until": LONG_AGO.replace(year=2999)}],
    ids=lambda fields: next(iter(fields)),
)
async def test_account_that_may_not_be_used_is_refused(scene, fields):
    for name, value in fields.items():
        setattr(scene.sessions.session.user, name, value)
    with pytest.raises(NotAuthenticated):
        await scene.service.refresh(scene.first.encode())
