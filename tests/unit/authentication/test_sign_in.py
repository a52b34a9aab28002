"""Signing in to the API."""

from typing import Any

import pytest
from pydantic import SecretStr

from apps.audit.domain.audit_entry import Outcome
from apps.authentication.domain.refresh_token import new_family, read_refresh_token
from apps.authentication.domain.session_rules import Authentication
from apps.authentication.schemas.login import LoginRequest
from apps.authentication.services.second_step import SecondStep
from apps.authentication.services.sign_in import SessionStart, SignIn
from apps.authentication.services.signed_tokens import AccessTokens
from apps.core.errors import EmailNotVerified, NotAuthenticated, PasskeyRefused
from apps.core.request_context import RequestContext, enter_request
from apps.second_factors.schemas.second_factor import FactorKind
from apps.second_factors.services.passkey_authentication import PasskeyAuthenticated
from apps.users.services.credentials import password_digest
from apps.users.services.in_transaction.security_notifier import SecurityNotice
from tests.support.fakes import FakeAudit
from tests.support.rings import new_ring
from tests.unit.authentication.fakes import (
    HASH,
    LIFETIMES,
    ME,
    SECRET,
    SESSION,
    FakeCredentials,
    FakeFactors,
    FakeNotifier,
    FakePasskeys,
    FakePasswordCheck,
    FakeSessions,
    FakeTokens,
    built,
    one_session,
)

pytestmark = pytest.mark.unit

DIGEST = password_digest(HASH)


class FakeVerification:
    """Keeps the accounts that were reminded to verify their address."""

    def __init__(self) -> None:
        self.reminded: list[int] = []

    async def remind(self, user_id: int) -> None:
        self.reminded.append(user_id)


class Scene:
    """The service with everything it is given."""

    def __init__(self) -> None:
        session = one_session(new_family().family_digest)
        self.sessions = FakeSessions(session)
        self.credentials = FakeCredentials(session.user)
        self.factors = FakeFactors()
        self.passkeys = FakePasskeys()
        self.tokens = FakeTokens()
        self.notifier = FakeNotifier()
        self.verification = FakeVerification()
        self.audit = FakeAudit()
        self.access_tokens = AccessTokens(new_ring(), issuer="keyhouse", audience="keyhouse")
        passwords = FakePasswordCheck(self.credentials)
        start = built(SessionStart, self.sessions, LIFETIMES, self.credentials, self.factors, self.notifier, self.audit)
        step = built(SecondStep, self.factors, self.passkeys, self.tokens, self.audit)
        self.sign_in = built(SignIn, start, passwords, self.passkeys, step, self.verification, self.access_tokens)

    @property
    def actions(self) -> list[str]:
        return [entry.action for entry in self.audit.entries]


@pytest.fixture
def scene() -> Scene:
    enter_request(RequestContext(client_address="192.0.2.1", user_agent="phone"))
    return Scene()


def login_request(email="ann@example.com", password=SECRET):
    return LoginRequest(email=email, password=SecretStr(password))


async def test_sign_in_returns_a_pair_and_stores_no_token(scene):
    pair = await scene.sign_in.with_password(login_request())
    ((_, new, lifetime),) = scene.sessions.calls
    assert (pair.token_type, pair.expires_in) == ("bearer", 900)
    claims = await scene.access_tokens.read(pair.access_token)
    assert (claims.user_id, claims.session_id) == (ME, SESSION)
    token = read_refresh_token(pair.refresh_token)
    assert token is not None
    assert (token.family_digest, token.generation) == (new.family_digest, 0)
    assert token.family not in new.family_digest
    assert (new.user_id, new.kind, new.methods, lifetime) == (ME, "api", ["pwd"], LIFETIMES["api"])
    assert (new.user_agent, new.ip_address) == ("phone", "192.0.2.1")


async def test_sign_in_is_recorded(scene):
    await scene.sign_in.with_password(login_request())
    assert scene.credentials.calls == [("record_login", ME, True)]
    (entry,) = scene.audit.entries
    assert (entry.action, entry.target_id, entry.actor.user_id) == ("session.started", SESSION, ME)
    assert entry.after == {"methods": ["pwd"]}


@pytest.mark.parametrize(("email", "password"), [("ann@example.com", "wrong"), ("nobody@example.com", SECRET)])
async def test_wrong_credentials_start_nothing_and_are_answered_alike(scene, email, password):
    with pytest.raises(NotAuthenticated) as refusal:
        await scene.sign_in.with_password(login_request(email, password))
    assert refusal.value.code == "WRONG_CREDENTIALS"
    assert refusal.value.public_message == "The e-mail address or the password is wrong."
    assert (scene.sessions.calls, scene.audit.entries) == ([], [])


async def test_other_authentication_needs_no_password(scene):
    await scene.sign_in.complete(Authentication(ME, ("fed",)))
    ((_, new, _),) = scene.sessions.calls
    assert (new.user_id, new.methods) == (ME, ["fed"])
    assert scene.audit.entries[0].after == {"methods": ["fed"]}


async def test_second_factor_is_required_before_a_session_starts(scene):
    scene.factors.kinds = (FactorKind.TOTP,)
    needed = await scene.sign_in.complete(Authentication(ME, ("pwd",), DIGEST))
    assert (needed.second_factor_token, needed.kinds) == (FakeTokens.TOKEN, ["totp"])
    assert (scene.sessions.calls, scene.credentials.calls, scene.actions) == ([], [], ["second_factor.asked"])


@pytest.mark.parametrize("methods", [("pwd", "otp"), ("hwk", "user"), ("fed", "swk")])
async def test_authentication_by_a_second_factor_is_enough(scene, methods):
    scene.factors.kinds = (FactorKind.TOTP,)
    pair = await scene.sign_in.complete(Authentication(ME, methods))
    assert pair.access_token
    assert scene.actions == ["session.started"]


async def test_passkey_alone_starts_a_session(scene):
    scene.factors.kinds, scene.passkeys.authenticated = (FactorKind.PASSKEY,), PasskeyAuthenticated(ME, ("hwk", "user"))
    assertion: Any = None
    assert (await scene.sign_in.with_passkey(assertion)).access_token
    ((_, new, _),) = scene.sessions.calls
    assert new.methods == ["hwk", "user"]


async def test_refused_passkey_starts_nothing(scene):
    assertion: Any = None
    with pytest.raises(PasskeyRefused) as refusal:
        await scene.sign_in.with_passkey(assertion)
    assert (refusal.value.code, scene.sessions.calls) == ("PASSKEY_REFUSED", [])


async def test_second_factor_that_was_added_meanwhile_is_not_skipped(scene, monkeypatch):
    answers = iter([False, True])

    async def has_one(_user_id: int) -> bool:
        return next(answers)

    monkeypatch.setattr(scene.factors, "has_one", has_one)
    with pytest.raises(NotAuthenticated, match="has a second factor now"):
        await scene.sign_in.complete(Authentication(ME, ("pwd",), DIGEST))
    assert (scene.sessions.calls, scene.actions) == ([], ["session.refused"])


@pytest.mark.parametrize(
    ("user_id", "digest"), [(ME, "of another password"), (404, None)], ids=["changed password", "deleted account"]
)
async def test_outdated_authentication_starts_nothing_and_is_recorded(scene, user_id, digest):
    with pytest.raises(NotAuthenticated):
        await scene.sign_in.complete(Authentication(user_id, ("pwd",), digest))
    assert scene.sessions.calls == []
    (entry,) = scene.audit.entries
    assert (entry.action, entry.target_id, entry.outcome) == ("session.refused", user_id, Outcome.FAILURE)
    assert (entry.actor.user_id, entry.after["methods"]) == (None, ["pwd"])


async def test_unverified_customer_is_refused_and_reminded(scene):
    scene.credentials.refusal = EmailNotVerified()
    with pytest.raises(EmailNotVerified):
        await scene.sign_in.with_password(login_request())
    assert (scene.sessions.calls, scene.verification.reminded) == ([], [ME])
    (entry,) = scene.audit.entries
    assert (entry.action, entry.after) == ("session.refused", {"methods": ["pwd"], "code": "EMAIL_NOT_VERIFIED"})


@pytest.mark.parametrize(
    ("has_signed_in", "addresses", "is_notified"),
    [
        (True, [], True),
        (True, ["198.51.100.7", None], True),
        (True, ["198.51.100.7", "192.0.2.200"], False),
        (False, [], False),
    ],
    ids=["new agent", "new network", "known", "first sign-in ever"],
)
async def test_owner_is_notified_of_a_new_device(scene, has_signed_in, addresses, is_notified):
    scene.credentials.has_signed_in, scene.sessions.addresses = has_signed_in, addresses
    await scene.sign_in.with_password(login_request())
    notice = (ME, SecurityNotice.NEW_DEVICE, str(SESSION), None)
    assert scene.notifier.notices == ([notice] if is_notified else [])
