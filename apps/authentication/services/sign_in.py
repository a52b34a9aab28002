"""Signing in: whoever has proven enough gets a session."""

from dataclasses import dataclass, field

from apps.authentication.models import Session
from apps.authentication.repositories.session_repository import NewSession, SessionRepository
from apps.authentication.schemas import LoginRequest, TokenPair
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.refresh_tokens import new_family
from apps.authentication.services.token_pairs import TokenPairs
from apps.core.errors import NotAuthenticated
from apps.core.request_context import current_request
from apps.core.security.audit_entry import AuditEntry
from apps.core.security.principal import CredentialKind, Principal

WRONG_CREDENTIALS = "The e-mail address or the password is wrong."
PASSWORD = "pwd"  # noqa: S105  RFC 8176's name of the method, not a password


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody is the account's owner, and by which methods (names of RFC 8176) this was shown.

    With `password_hash`, it holds only while this is the account's.
    """

    user_id: int
    methods: tuple[str, ...]
    password_hash: str | None = field(default=None, repr=False)


class SignIn:
    """Starts sessions."""

    def __init__(self, sessions: SessionRepository, pairs: TokenPairs, passwords: PasswordCheck) -> None:
        self._sessions = sessions
        self._pairs = pairs
        self._passwords = passwords

    async def with_password(self, request: LoginRequest) -> TokenPair:
        """Start a session; raises NotAuthenticated, or TooManyRequests when locked."""
        credentials = await self._passwords.sign_in(request.email, request.password.get_secret_value())
        if credentials is None:
            raise NotAuthenticated(WRONG_CREDENTIALS, code="WRONG_CREDENTIALS")
        return await self.complete(Proof(credentials.user_id, (PASSWORD,), credentials.password_hash))

    async def complete(self, proof: Proof) -> TokenPair:
        """Start a session of the account; raises NotAuthenticated if it may not be used, or the proof is outdated."""
        token = new_family()
        new = new_session(proof, token.family_digest, Session.Kind.API)
        return await self._pairs.of(await self._sessions.start(new, start_audit(new)), token.family)


def new_session(proof: Proof, family_digest: bytes, kind: Session.Kind) -> NewSession:
    """Return the session that the current request gets for its proof."""
    context = current_request()
    return NewSession(
        user_id=proof.user_id,
        kind=kind,
        family_digest=family_digest,
        methods=proof.methods,
        user_agent=context.user_agent,
        ip_address=context.client_address,
        password_hash=proof.password_hash,
    )


def start_audit(new: NewSession) -> AuditEntry:
    """Return what the audit trail is told of a sign-in."""
    actor = Principal(user_id=new.user_id, kind=CredentialKind.SESSION)
    return AuditEntry(actor, "session.started", "session", after={"methods": list(new.methods)})
