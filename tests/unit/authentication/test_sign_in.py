"""Signing in."""

from typing import Any

import pytest
from pydantic import SecretStr

from apps.audit.domain.audit_entry import AuditEntry
from apps.authentication.schemas.login import LoginRequest
from apps.authentication.services.access_tokens import AccessTokens
from apps.authentication.services.proof import Proof
from apps.authentication.services.refresh_tokens import new_family, read_refresh_token
from apps.authentication.services.sign_in import SignIn
from apps.authentication.services.token_pairs import TokenPairs
from apps.core.errors import NotAuthenticated
from apps.users.services.credentials import password_digest
from tests.support.fakes import FakeUsers
from tests.support.rings import new_ring
from tests.unit.authentication.fake_sessions import ME, SECRET, SESSION, FakePasswords, one_session

pytestmark = pytest.mark.unit


@pytest.fixture
def sessions():
    return one_session(new_family().family_digest)


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(new_ring(), issuer="keyhouse", audience="keyhouse")


@pytest.fixture
def service(sessions: Any, tokens: Any) -> SignIn:
    passwords: Any = FakePasswords(FakeUsers(sessions.session.user))
    passkeys: Any = None
    steps: Any = NoSecondStep()
    return SignIn(sessions, TokenPairs(tokens), passwords, passkeys, steps, remind=remind, note=note)


async def remind(_user_id: int) -> None:
    """Send nothing."""


async def note(_entry: AuditEntry) -> None:
    """Keep nothing."""


class NoSecondStep:
    """No account has a second factor."""

    async def ask_if_needed(self, _proof: Proof) -> None:
        return None


def login_request(email="ann@example.com", password=SECRET):
    return LoginRequest(email=email, password=SecretStr(password))


async def test_signing_in_gives_a_pair_and_stores_no_token(service, sessions, tokens):
    pair = await service.with_password(login_request())
    _, new, audit = sessions.calls[0]
    assert (pair.token_type, pair.expires_in) == ("bearer", 900)
    claims = await tokens.read(pair.access_token)
    assert (claims.user_id, claims.session_id) == (ME, SESSION)
    token = read_refresh_token(pair.refresh_token)
    assert token is not None
    assert (token.family_digest, token.generation) == (new.family_digest, 0)
    assert token.family not in new.family_digest
    assert (new.methods, new.judged_digest) == (("pwd",), password_digest("argon2$hash"))
    assert (audit.action, audit.actor.user_id, audit.after) == ("session.started", ME, {"methods": ["pwd"]})


@pytest.mark.parametrize(("email", "password"), [("ann@example.com", "wrong"), ("nobody@example.com", SECRET)])
async def test_wrong_credentials_start_nothing_and_are_answered_alike(service, sessions, email, password):
    with pytest.raises(NotAuthenticated) as refusal:
        await service.with_password(login_request(email, password))
    assert refusal.value.public_code == "WRONG_CREDENTIALS"
    assert refusal.value.public_message == "The e-mail address or the password is wrong."
    assert sessions.calls == []


async def test_whoever_has_proven_it_otherwise_needs_no_password(service, sessions):
    await service.complete(Proof(ME, ("fed",)))
    _, new, audit = sessions.calls[0]
    assert (new.user_id, new.methods, new.judged_digest) == (ME, ("fed",), None)
    assert audit.after == {"methods": ["fed"]}
