"""What the services of this room are given in place of their repositories and of each other."""

from typing import Any

from apps.authentication.models import Session
from apps.authentication.repositories.session_repository import LiveSession
from apps.authentication.services.password_check import Admits, anybody
from apps.core.errors import NotFound
from apps.second_factors.repositories.factor_repository import FactorCounts
from apps.second_factors.schemas.second_factor import FactorKind
from apps.second_factors.services.passkey_proof import PasskeyProven
from apps.users.services.credentials import Credentials, password_digest
from tests.support.fakes import LONG_AGO, unsaved_user

ME, SESSION = 1, 9
SECRET, NEW_SECRET = "correct horse battery staple", "another long and quiet sentence"


def one_session(family_digest: bytes, user: Any = None) -> "FakeSessions":
    """Return the sessions of an account that has one."""
    moments = dict.fromkeys(("created_at", "last_used_at", "expires_at", "authenticated_at"), LONG_AGO)
    user = user or unsaved_user(ME, email="ann@example.com", password="argon2$hash")
    session = Session(pk=SESSION, user=user, family_digest=family_digest, methods=["pwd"], **moments)
    vars(session).update(role_names=["service"], role_scopes=["keys:verify"])
    return FakeSessions(session)


class FakePasswords:
    """Knows one password for every account, without hashing."""

    def __init__(self, users: Any) -> None:
        self._users = users

    async def sign_in(self, email: str, password: str, admits: Admits = anybody) -> Credentials | None:
        user = await self._users.find_by_email(email)
        return Credentials.of(user) if user and password == SECRET and admits(Credentials.of(user)) else None

    async def confirms(self, _credentials: Credentials, password: str) -> bool:
        return password == SECRET


class FakeFactors:
    """Second factors of every account: these kinds, and one code that is right once."""

    def __init__(self, *kinds: FactorKind, code: str = "") -> None:
        self.kinds = kinds
        self.code = code

    async def kinds_of(self, _user_id: int) -> tuple[FactorKind, ...]:
        return self.kinds

    async def check_code(self, _user_id: int, code: str) -> str | None:
        is_right, self.code = code == self.code, "" if code == self.code else self.code
        return "otp" if is_right else None


class FakeFactorCounts:
    """Whether every account has an authenticator program."""

    has_totp = False

    async def counts(self, _user_id: int) -> FactorCounts:
        return FactorCounts(self.has_totp, has_passkey=False, recovery_codes_left=0)


class FakePasskeys:
    """Answers every assertion alike."""

    def __init__(self, proven: PasskeyProven | None = None) -> None:
        self.proven = proven

    async def judge(self, _assertion: Any, user_id: int | None) -> PasskeyProven | None:
        return self.proven if self.proven and user_id in (None, self.proven.user_id) else None


class FakeSessions:
    """One session in memory; `calls` are the writes that were asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.calls: list[tuple[Any, ...]] = []
        self.was_just_rotated = self.recently_authenticated = False

    async def find_live(self, session_id: int) -> LiveSession | None:
        is_live = session_id == self.session.pk and self.session.revoked_at is None
        return LiveSession(self.session, self.recently_authenticated) if is_live else None

    async def find_live_of_admin(self, session_id: int) -> LiveSession | None:
        return await self.find_live(session_id) if self.session.kind == Session.Kind.ADMIN else None

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

    async def renew_proof(self, session_id: int, user_id: int, methods: tuple[str, ...], audit: Any) -> None:
        self.calls.append(("renew_proof", session_id, user_id, methods, audit))

    async def revoke(self, session_id: int, user_id: int, audit: Any, *reason: str) -> None:
        if (session_id, user_id) != (self.session.pk, self.session.user_id):
            raise NotFound
        self.calls.append(("revoke", session_id, audit, *reason))

    async def revoke_all(self, user_id: int, kept_id: int | None, audit: Any, *reason: str) -> None:
        self.calls.append(("revoke_all", user_id, kept_id, audit, *reason))

    async def change_password(
        self, user_id: int, password_hash: str, kept_id: int, audit: Any, judged_digest: str | None = None
    ) -> None:
        assert judged_digest in (None, password_digest(self.session.user.password))
        self.calls.append(("change_password", user_id, password_hash, kept_id, audit))
