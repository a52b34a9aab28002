"""Signing in: whoever has proven who they are gets a session."""

from collections.abc import Awaitable, Callable

from apps.audit.domain.audit_entry import AuditEntry, NoteAudit, Outcome
from apps.authentication.models import Session
from apps.authentication.repositories.known_devices import NewSession
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.login import (
    LoginRequest,
    SecondFactorCode,
    SecondFactorNeeded,
    SecondFactorPasskey,
    TokenPair,
)
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.proof import Proof
from apps.authentication.services.refresh_tokens import new_family
from apps.authentication.services.second_step import SecondStep
from apps.authentication.services.token_pairs import TokenPairs
from apps.core.authorization.authentication_methods import PASSWORD
from apps.core.authorization.principal import ANONYMOUS, owner_of
from apps.core.errors import DomainError, EmailNotVerified, NotAuthenticated, NotFound
from apps.core.request_context import current_request
from apps.second_factors.schemas.passkey import PasskeyAssertion
from apps.second_factors.services.passkey_proof import PasskeyProof

WRONG_CREDENTIALS = "The e-mail address or the password is wrong."
# Sends the link that verifies an account's address again.
Remind = Callable[[int], Awaitable[None]]


class SignIn:
    """Starts sessions."""

    def __init__(
        self,
        sessions: SessionRepository,
        pairs: TokenPairs,
        passwords: PasswordCheck,
        passkeys: PasskeyProof,
        second_step: SecondStep,
        *,
        remind: Remind,
        note: NoteAudit,
    ) -> None:
        self._sessions = sessions
        self._pairs = pairs
        self._passwords = passwords
        self._passkeys = passkeys
        self._second_step = second_step
        self._remind = remind
        self._note = note

    async def with_password(self, request: LoginRequest) -> TokenPair | SecondFactorNeeded:
        """Sign in by a password; raises NotAuthenticated, or TooManyRequests when locked."""
        credentials = await self._passwords.sign_in(request.email, request.password.get_secret_value())
        if credentials is None:
            raise NotAuthenticated(WRONG_CREDENTIALS, code="WRONG_CREDENTIALS")
        return await self.complete(Proof(credentials.user_id, (PASSWORD,), credentials.password_hash))

    async def with_passkey(self, assertion: PasskeyAssertion) -> TokenPair:
        """Sign in by a passkey alone, whose device has checked its user; raises NotAuthenticated."""
        proven = await self._passkeys.judge(assertion, None)
        if proven is None:
            raise NotAuthenticated("The passkey could not be verified.", code="PASSKEY_REFUSED")
        return await self._start(Proof(proven.user_id, proven.methods))

    async def complete(self, proof: Proof) -> TokenPair | SecondFactorNeeded:
        """Start a session of the account, or say which second factor is needed first.

        Raises NotAuthenticated if the account may not be used, or the proof is outdated; EmailNotVerified where only
        verified accounts sign in, and then has the link that verifies sent again.
        """
        return await self._second_step.ask_if_needed(proof) or await self._start(proof)

    async def with_code(self, entry: SecondFactorCode) -> TokenPair:
        """Complete a sign-in by a code; raises NotAuthenticated, or TooManyRequests when locked."""
        return await self._start(await self._second_step.with_code(entry.second_factor_token, entry.code))

    async def with_second_passkey(self, entry: SecondFactorPasskey) -> TokenPair:
        """Complete a sign-in by a passkey; raises NotAuthenticated."""
        return await self._start(await self._second_step.with_passkey(entry.second_factor_token, entry.assertion))

    async def _start(self, proof: Proof) -> TokenPair:
        token = new_family()
        new = new_session(proof, token.family_digest, Session.Kind.API)
        try:
            session = await self._sessions.start(new, start_audit(new))
        except EmailNotVerified as refusal:
            await self._note(_refusal_of(proof, refusal))
            await self._remind(proof.user_id)
            raise
        except (NotAuthenticated, NotFound) as refusal:
            await self._note(_refusal_of(proof, refusal))
            raise NotAuthenticated from refusal
        return await self._pairs.of(session, token.family)


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
        judged_digest=proof.digest,
    )


def start_audit(new: NewSession) -> AuditEntry:
    """Return what the audit trail is told of a sign-in."""
    return AuditEntry(owner_of(new.user_id), "session.started", "session", after={"methods": list(new.methods)})


def _refusal_of(proof: Proof, refusal: DomainError) -> AuditEntry:
    """Return what the audit trail is told of somebody whose proof was right, and who is not let in."""
    after = {"methods": list(proof.methods), "reason": refusal.public_code}
    return AuditEntry(ANONYMOUS, "session.refused", "user", proof.user_id, after=after, outcome=Outcome.FAILURE)
