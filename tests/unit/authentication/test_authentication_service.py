"""Signing in and out."""

from typing import Any

import pytest
from pydantic import SecretStr

from apps.authentication.models import Session
from apps.authentication.schemas import LoginRequest, PasswordChange
from apps.authentication.services.access_tokens import AccessClaims, AccessTokens
from apps.authentication.services.authentication_service import AuthenticationService
from apps.authentication.services.refresh_tokens import new_family, read_refresh_token
from apps.core.errors import NotAllowed, NotAuthenticated, NotFound, ValidationFailed, WrongPassword
from apps.core.schemas.page import PageQuery
from apps.core.security.passwords import password_matches
from apps.core.security.principal import CredentialKind
from apps.users.services.credentials import Credentials
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of
from tests.support.fakes import LONG_AGO, FakeUsers, unsaved_user
from tests.support.rings import new_ring

pytestmark = pytest.mark.unit

ME, SESSION = 1, 9
SECRET, NEW_SECRET = "correct horse battery staple", "another long and quiet sentence"


class FakePasswords:
    """Knows one password for every account, without hashing."""

    def __init__(self, users: Any) -> None:
        self._users = users

    async def sign_in(self, email: str, password: str) -> Credentials | None:
        user = await self._users.find_by_email(email)
        return Credentials.of(user) if user and password == SECRET else None

    async def confirms(self, _credentials: Credentials, password: str) -> bool:
        return password == SECRET


class FakeSessions:
    """One session in memory; `calls` are the writes that were asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.calls: list[tuple[Any, ...]] = []
        self.was_just_rotated = False

    async def find_live(self, session_id: int) -> Session | None:
        return self.session if session_id == self.session.pk and self.session.revoked_at is None else None

    async def page(self, user_id: int, **_page: int) -> tuple[list[Session], int]:
        return ([self.session], 1) if user_id == self.session.user_id else ([], 0)

    async def start(self, new: Any, audit: Any) -> Session:
        self.calls.append(("start", new, audit))
        return self.session

    async def advance(self, family_digest: bytes, generation: int, _audit: Any) -> Session | None:
        self.calls.append(("advance", family_digest, generation))
        if family_digest != self.session.family_digest:
            return None
        if self.was_just_rotated and generation == self.session.generation - 1:
            return self.session
        if generation != self.session.generation:
            return None
        self.session.generation += 1
        return self.session

    async def revoke(self, session_id: int, user_id: int, audit: Any) -> None:
        if (session_id, user_id) != (self.session.pk, self.session.user_id):
            raise NotFound
        self.calls.append(("revoke", session_id, audit))

    async def revoke_all(self, user_id: int, kept_id: int | None, audit: Any) -> None:
        self.calls.append(("revoke_all", user_id, kept_id, audit))

    async def change_password(self, user_id: int, password_hash: str, kept_id: int, audit: Any) -> None:
        self.calls.append(("change_password", user_id, password_hash, kept_id, audit))


@pytest.fixture
def user():
    return unsaved_user(ME, email="ann@example.com", password="argon2$hash")


@pytest.fixture
def family():
    return new_family()


@pytest.fixture
def sessions(user, family):
    moments = dict.fromkeys(("created_at", "last_used_at", "expires_at"), LONG_AGO)
    session = Session(pk=SESSION, user=user, family_digest=family.family_digest, **moments)
    vars(session).update(role_names=["service"], role_scopes=["keys:verify"])
    return FakeSessions(session)


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(new_ring(), issuer="keyhouse", audience="keyhouse")


@pytest.fixture
def service(user: Any, sessions: Any, tokens: Any) -> AuthenticationService:
    users: Any = FakeUsers(user)
    passwords: Any = FakePasswords(users)
    plans: Any = None
    return AuthenticationService(sessions, tokens, passwords, UserService(users, plans))


def login_request(email="ann@example.com", password=SECRET):
    return LoginRequest(email=email, password=SecretStr(password))


def password_change(current=SECRET, new=NEW_SECRET):
    return PasswordChange(current_password=SecretStr(current), new_password=SecretStr(new))


async def test_signing_in_gives_a_pair_and_stores_no_token(service, sessions, tokens):
    pair = await service.login(login_request())
    _, new, audit = sessions.calls[0]
    assert (pair.token_type, pair.expires_in) == ("bearer", 900)
    assert await tokens.read(pair.access_token) == AccessClaims(ME, SESSION)
    token = read_refresh_token(pair.refresh_token)
    assert token is not None
    assert (token.family_digest, token.generation) == (new.family_digest, 0)
    assert token.family not in new.family_digest
    assert (audit.action, audit.actor.user_id) == ("session.started", ME)


@pytest.mark.parametrize(("email", "password"), [("ann@example.com", "wrong"), ("nobody@example.com", SECRET)])
async def test_wrong_credentials_start_nothing_and_are_answered_alike(service, sessions, email, password):
    with pytest.raises(NotAuthenticated) as refusal:
        await service.login(login_request(email, password))
    assert refusal.value.public_code == "WRONG_CREDENTIALS"
    assert refusal.value.public_message == "The e-mail address or the password is wrong."
    assert sessions.calls == []


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
    assert await tokens.read(again.access_token) == AccessClaims(ME, SESSION)


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
    with pytest.raises(NotFound):
        await service.end_session(session_of(2), SESSION)
    with pytest.raises(NotFound):
        await service.end_session(session_of(2, is_staff=True, is_superuser=True), SESSION)
    assert len(sessions.calls) == 1


@pytest.mark.parametrize(("everywhere", "kept_id"), [(False, SESSION), (True, None)])
async def test_one_signs_out_elsewhere_or_everywhere(service, sessions, everywhere, kept_id):
    await service.end_sessions(session_of(ME, session_id=SESSION), everywhere=everywhere)
    ((*call, audit),) = sessions.calls
    assert call == ["revoke_all", ME, kept_id]
    assert (audit.action, audit.target_kind, audit.after) == ("sessions.ended", "user", {"everywhere": everywhere})


async def test_an_api_key_has_no_sessions(service, sessions):
    caller = key_of(ME, "keyhouse:*")
    for asked in (
        service.logout(caller),
        service.end_session(caller, SESSION),
        service.end_sessions(caller, everywhere=True),
        service.sessions(caller, PageQuery()),
        service.change_password(caller, password_change()),
    ):
        with pytest.raises(NotAllowed):
            await asked
    assert sessions.calls == []


async def test_the_session_that_asks_is_marked(service):
    for session_id, is_current in ((SESSION, True), (7, False)):
        (item,) = (await service.sessions(session_of(ME, session_id=session_id), PageQuery())).items
        assert (item.id, item.is_current) == (SESSION, is_current)


async def test_a_password_is_changed_and_its_own_session_kept(service, sessions):
    await service.change_password(session_of(ME, session_id=SESSION), password_change())
    _, user_id, password_hash, kept_id, audit = sessions.calls[0]
    assert (user_id, kept_id, audit.action) == (ME, SESSION, "user.password_changed")
    assert await password_matches(NEW_SECRET, password_hash)
    assert (audit.before, audit.after) == ({}, {})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (password_change(current="wrong"), WrongPassword),
        (password_change(new="password"), ValidationFailed),
        (password_change(new="ann@example.com"), ValidationFailed),
    ],
    ids=["wrong current", "common", "like the address"],
)
async def test_a_password_is_not_changed(service, sessions, change, error):
    with pytest.raises(error):
        await service.change_password(session_of(ME, session_id=SESSION), change)
    assert sessions.calls == []
