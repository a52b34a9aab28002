"""What the services of this app are given in place of their repositories, of each other and of other apps."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from apps.authentication.domain.session_rules import Authentication, SessionLifetime
from apps.authentication.models import Session
from apps.authentication.repositories.live_session_repository import LiveSession
from apps.authentication.services.password_check import WrongCredentials
from apps.core.database.open_transaction import require_transaction
from apps.core.errors import NotAuthenticated, NotFound, WrongPassword
from apps.one_time_tokens.repositories.one_time_token_repository import StoredToken
from apps.second_factors.repositories.factor_repository import FactorCounts
from apps.second_factors.schemas.second_factor import FactorKind
from apps.second_factors.services.passkey_authentication import PasskeyAuthenticated
from apps.users.models import User
from apps.users.services.credentials import Credentials, is_usable, password_digest
from apps.users.services.in_transaction.security_notifier import SecurityNotice
from tests.support.fakes import LONG_AGO, unsaved_user

ME, SESSION = 1, 9
SECRET, NEW_SECRET = "correct horse battery staple", "another long and quiet sentence"
HASH = "argon2$hash"
NOW = datetime(2026, 1, 2, 12, tzinfo=LONG_AGO.tzinfo)
LIFETIMES = {
    "api": SessionLifetime(timedelta(days=30), timedelta(days=365)),
    "admin": SessionLifetime(timedelta(minutes=30), timedelta(hours=12)),
}


def one_session(family_digest: bytes, user: User | None = None, *, pk: int = SESSION) -> Session:
    """Return a session as a repository would, with its user, the roles and what they give."""
    moments = dict.fromkeys(("created_at", "last_used_at", "expires_at", "authenticated_at"), LONG_AGO)
    user = user or unsaved_user(ME, email="ann@example.com", password=HASH)
    session = Session(pk=pk, user=user, family_digest=family_digest, methods=["pwd"], **moments)
    vars(session).update(role_names=["service"], role_scopes=["keys:verify"], database_now=NOW)
    return session


def built[T](kind: Callable[..., T], *parts: Any, **named: Any) -> T:
    """Return a service that is given fakes."""
    return kind(*parts, **named)


class FakeSessions:
    """Sessions in memory, for both repositories. `calls` are the writes, each inside a transaction; `locked` the ids
    that the transaction has locked."""

    def __init__(self, *sessions: Session) -> None:
        self.sessions = {session.pk: session for session in sessions}
        self.calls: list[tuple[Any, ...]] = []
        self.locked: set[int] = set()
        self.addresses: list[str | None] = []
        self.recently_authenticated = False
        self.use_is_recorded = True

    @property
    def session(self) -> Session:
        """The first of them."""
        return next(iter(self.sessions.values()))

    async def insert(self, session: Session, lifetime: SessionLifetime) -> Session:
        require_transaction("insert a session")
        self.calls.append(("insert", session, lifetime))
        inserted = one_session(bytes(session.family_digest), self.session.user)
        inserted.kind, inserted.methods = session.kind, session.methods
        return inserted

    async def has_earlier_of_admin(self, user_id: int, session_id: int) -> bool:
        return len([call for call in self.calls if call[0] == "insert"]) > 1

    async def addresses_of(self, user_id: int, user_agent: str, within: timedelta) -> list[str | None]:
        require_transaction("look for known devices")
        return self.addresses

    async def lock(self, session_id: int, user_id: int) -> Session:
        session = self.sessions.get(session_id)
        if session is None or session.user_id != user_id or session.revoked_at:
            raise NotFound
        return self._locked([session])[0]

    async def lock_of_account(self, user_id: int) -> list[Session]:
        return self._locked([session for session in self.sessions.values() if session.user_id == user_id])

    async def lock_between(self, ids: range) -> list[Session]:
        return self._locked([session for session_id, session in self.sessions.items() if session_id in ids])

    async def lock_by_family(self, family_digest: bytes) -> Session | None:
        found = [session for session in self.sessions.values() if session.family_digest == family_digest]
        return self._locked(found)[0] if found else None

    async def rotate(self, session: Session, recent: Sequence[datetime], lifetime: SessionLifetime) -> None:
        assert session.pk in self.locked
        session.generation += 1
        session.earlier_rotations, session.rotated_at = list(recent), NOW
        self.calls.append(("rotate", session.pk, lifetime))

    async def record_authentication(self, session: Session, methods: Sequence[str]) -> None:
        assert session.pk in self.locked
        self.calls.append(("record_authentication", session.pk, list(methods)))

    async def revoke(self, session_ids: Collection[int], reason: str) -> None:
        assert self.locked.issuperset(session_ids)
        self.calls.append(("revoke", list(session_ids), reason))

    async def find(self, session_id: int) -> LiveSession | None:
        session = self.sessions.get(session_id)
        if session is None or session.revoked_at is not None:
            return None
        return LiveSession(session, self.recently_authenticated, self.use_is_recorded)

    async def find_of_admin(self, session_id: int) -> LiveSession | None:
        found = await self.find(session_id)
        return found if found and found.session.kind == Session.Kind.ADMIN else None

    async def record_use(self, session_id: int, lifetime: SessionLifetime) -> None:
        self.calls.append(("record_use", session_id, lifetime))

    async def page(self, user_id: int, **_page: int) -> tuple[list[Session], int]:
        found = [session for session in self.sessions.values() if session.user_id == user_id]
        return found, len(found)

    async def ids(self) -> range:
        return range(min(self.sessions), max(self.sessions) + 1)

    def _locked(self, sessions: list[Session]) -> list[Session]:
        require_transaction("lock sessions")
        self.locked |= {session.pk for session in sessions}
        return sessions


class FakeCredentials:
    """The accounts' credentials in memory; `calls` are the writes, each inside a transaction."""

    def __init__(self, *users: User) -> None:
        self.users = {user.pk: user for user in users}
        self.calls: list[tuple[Any, ...]] = []
        self.has_signed_in = True
        self.refusal: Exception | None = None

    async def get(self, user_id: int) -> Credentials:
        if user_id not in self.users:
            raise NotFound
        return Credentials.of(self.users[user_id])

    async def find_by_email(self, email: str) -> Credentials | None:
        found = (user for user in self.users.values() if user.email.lower() == email.lower())
        user = next(found, None)
        return Credentials.of(user) if user else None

    async def record_login(self, user_id: int, checked_digest: str | None, *, needs_verified_email: bool) -> bool:
        require_transaction("record a sign-in")
        if self.refusal:
            raise self.refusal
        user = self.users.get(user_id)
        if user is None:
            raise NotFound
        if checked_digest not in (None, password_digest(user.password)) or not is_usable(user):
            raise NotAuthenticated
        self.calls.append(("record_login", user_id, needs_verified_email))
        return self.has_signed_in

    async def set_password(self, user_id: int, password_hash: str, checked_digest: str | None = None) -> None:
        require_transaction("set a password")
        if checked_digest not in (None, password_digest(self.users[user_id].password)):
            raise WrongPassword
        self.calls.append(("set_password", user_id, password_hash))


class FakePasswordCheck:
    """Has one right password for every account, without hashing."""

    def __init__(self, credentials: FakeCredentials) -> None:
        self._credentials = credentials

    async def authenticate(self, email: str, password: str, *, staff_only: bool = False) -> Authentication:
        account = await self._credentials.find_by_email(email)
        if account is None or password != SECRET or (staff_only and not account.is_staff):
            raise WrongCredentials
        return Authentication(account.user_id, ("pwd",), password_digest(account.password_hash))

    async def require(self, _account: Credentials, password: str) -> None:
        if password != SECRET:
            raise WrongPassword


class FakeFactors:
    """Second factors of the account ME: these kinds, and one code that is right once. Serves as FactorCheck, too."""

    def __init__(self, *kinds: FactorKind, code: str = "") -> None:
        self.kinds = kinds
        self.code = code

    async def kinds_of(self, user_id: int) -> tuple[FactorKind, ...]:
        return self.kinds if user_id == ME else ()

    async def has_one(self, user_id: int) -> bool:
        return bool(await self.kinds_of(user_id))

    async def check_code(self, user_id: int, code: str) -> str | None:
        is_right = (user_id, code) == (ME, self.code)
        self.code = "" if is_right else self.code
        return "otp" if is_right else None


class FakeFactorCounts:
    """Whether every account has an authenticator app."""

    has_totp = False

    async def counts(self, _user_id: int) -> FactorCounts:
        return FactorCounts(self.has_totp, has_passkey=False, recovery_codes_left=0)


class FakePasskeys:
    """Answers every assertion alike, and keeps them, each with the account that it must be of."""

    def __init__(self, authenticated: PasskeyAuthenticated | None = None) -> None:
        self.authenticated = authenticated
        self.verified: list[tuple[Any, int | None]] = []

    async def verify(self, assertion: Any, user_id: int | None) -> PasskeyAuthenticated | None:
        self.verified.append((assertion, user_id))
        return self.authenticated if self.authenticated and user_id in (None, self.authenticated.user_id) else None


class FakeTokens:
    """One one-time token at most; `TOKEN` is its text."""

    TOKEN = "token"
    ttl_seconds = 300

    def __init__(self) -> None:
        self.stored: StoredToken | None = None
        self.attempts = 0
        self.voided: list[int] = []

    async def issue_another(self, user_id: int, data: Mapping[str, Any]) -> str:
        require_transaction("issue a token with its audit event")
        self.stored = StoredToken(user_id, dict(data))
        return self.TOKEN

    async def attempt(self, token: str, maximum: int) -> StoredToken | None:
        self.attempts += 1
        return self.stored if token == self.TOKEN and self.attempts <= maximum else None

    async def spend(self, token: str) -> StoredToken | None:
        if token != self.TOKEN:
            return None
        stored, self.stored = self.stored, None
        return stored

    async def void_all(self, user_id: int) -> None:
        require_transaction("void tokens")
        self.voided.append(user_id)


class FakeNotifier:
    """Keeps the notices, each sent inside a transaction."""

    def __init__(self) -> None:
        self.notices: list[tuple[Any, ...]] = []

    async def notify(
        self, user_id: int, what: SecurityNotice, key: str, actor: Any = None, details: Any = None
    ) -> None:
        require_transaction("notify")
        self.notices.append((user_id, what, key, actor))


class NoKeys:
    """The keys of an account that has none."""

    async def begin(self, user_id: int) -> None:
        require_transaction("list keys")
