"""Signing in: whoever has proven enough gets a session."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from apps.authentication.repositories.known_devices import NewSession
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas import LoginRequest, TokenPair
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.refresh_tokens import new_family
from apps.authentication.services.token_pairs import TokenPairs
from apps.core.errors import EmailNotVerified, NotAuthenticated
from apps.core.request_context import current_request
from apps.core.security.audit_entry import AuditEntry
from apps.core.security.principal import CredentialKind, Principal

WRONG_CREDENTIALS = "The e-mail address or the password is wrong."
# Sends the link that verifies an account's address again.
Remind = Callable[[int], Awaitable[None]]
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

    def __init__(
        self, sessions: SessionRepository, pairs: TokenPairs, passwords: PasswordCheck, remind: Remind
    ) -> None:
        self._sessions = sessions
        self._pairs = pairs
        self._passwords = passwords
        self._remind = remind

    async def with_password(self, request: LoginRequest) -> TokenPair:
        """Start a session; raises NotAuthenticated, or TooManyRequests when locked."""
        credentials = await self._passwords.sign_in(request.email, request.password.get_secret_value())
        if credentials is None:
            raise NotAuthenticated(WRONG_CREDENTIALS, code="WRONG_CREDENTIALS")
        return await self.complete(Proof(credentials.user_id, (PASSWORD,), credentials.password_hash))

    async def complete(self, proof: Proof) -> TokenPair:
        """Start a session of the account; raises NotAuthenticated if it may not be used, or the proof is outdated.

        Raises EmailNotVerified where only verified accounts sign in, and then has the link that verifies sent again.
        """
        context, token = current_request(), new_family()
        new = NewSession(
            user_id=proof.user_id,
            family_digest=token.family_digest,
            methods=proof.methods,
            user_agent=context.user_agent,
            ip_address=context.client_address,
            password_hash=proof.password_hash,
        )
        actor = Principal(user_id=proof.user_id, kind=CredentialKind.SESSION)
        audit = AuditEntry(actor, "session.started", "session", after={"methods": list(proof.methods)})
        try:
            session = await self._sessions.start(new, audit)
        except EmailNotVerified:
            await self._remind(proof.user_id)
            raise
        return await self._pairs.of(session, token.family)
