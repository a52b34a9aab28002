"""Signs in: starts a session for a caller that has authenticated."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.domain.refresh_token import new_family
from apps.authentication.domain.session_rules import DEVICE_MEMORY, Authentication, SessionLifetime, is_known_device
from apps.authentication.models import Session
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.login import (
    LoginRequest,
    SecondFactorCode,
    SecondFactorNeeded,
    SecondFactorPasskey,
    TokenPair,
)
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.second_step import SecondStep
from apps.authentication.services.signed_tokens import AccessTokens
from apps.core.authorization.authentication_methods import FEDERATED, include_second_factor
from apps.core.authorization.principal import ANONYMOUS, owner_of
from apps.core.database.transaction import transaction
from apps.core.errors import DomainError, EmailNotVerified, NotAuthenticated, NotFound, PasskeyRefused
from apps.core.request_context import current_request
from apps.second_factors.schemas.passkey import PasskeyAssertion
from apps.second_factors.services.in_transaction.account_factors import FactorCheck
from apps.second_factors.services.passkey_authentication import PasskeyAuthentication
from apps.users.services.email_verification import EmailVerification
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier


class SessionStart:
    """Starts sessions of the API and of the admin, for every method of authentication."""

    def __init__(
        self,
        sessions: SessionRepository,
        lifetimes: Mapping[str, SessionLifetime],
        credentials: AccountCredentials,
        factors: FactorCheck,
        notifier: SecurityNotifier,
        audit: AuditTrail,
    ) -> None:
        self._sessions = sessions
        self._lifetimes = lifetimes
        self._credentials = credentials
        self._factors = factors
        self._notifier = notifier
        self._audit = audit

    async def lacks_factor(self, authentication: Authentication) -> bool:
        """Return whether the account has a second factor that was not used. Exact while the account is locked."""
        return not include_second_factor(authentication.methods) and await self._factors.has_one(authentication.user_id)

    async def start(self, authentication: Authentication, kind: Session.Kind, family_digest: bytes) -> Session:
        """Start a session for the current request, and return it with its user, the roles and their scopes.

        Raises EmailNotVerified for a customer where only verified accounts sign in; NotAuthenticated when the account
        may not be used, its password has changed since it was checked, or a second factor is missing.
        """
        session = _session(authentication, kind, family_digest)
        async with self._recorded_refusals(authentication), transaction():
            has_signed_in = await self._credentials.record_login(
                authentication.user_id, authentication.checked_digest, needs_verified_email=kind is Session.Kind.API
            )
            if await self.lacks_factor(authentication):
                raise NotAuthenticated("The account has a second factor now. Sign in again.")
            is_new_device = has_signed_in and not await self._is_known_device(session)
            started = await self._sessions.insert(session, self._lifetimes[kind])
            await self._audit.record(_start_entry(started))
            if is_new_device:
                await self._notifier.notify(authentication.user_id, SecurityNotice.NEW_DEVICE, str(started.pk))
        return started

    async def _is_known_device(self, session: Session) -> bool:
        addresses = await self._sessions.addresses_of(session.user_id, session.user_agent, DEVICE_MEMORY)
        return is_known_device(session.ip_address, addresses)

    @asynccontextmanager
    async def _recorded_refusals(self, authentication: Authentication) -> AsyncIterator[None]:
        """Record a refusal after its transaction has rolled back, because the caller knows the password."""
        try:
            yield
        except (EmailNotVerified, NotAuthenticated, NotFound) as refusal:
            async with transaction():
                await self._audit.record(_refusal_entry(authentication, refusal))
            if isinstance(refusal, NotFound):
                raise NotAuthenticated from refusal
            raise


class SignIn:
    """Signs in to the API by a password, a passkey, or another authentication of the account's owner."""

    def __init__(
        self,
        session_start: SessionStart,
        passwords: PasswordCheck,
        passkeys: PasskeyAuthentication,
        second_step: SecondStep,
        verification: EmailVerification,
        tokens: AccessTokens,
    ) -> None:
        self._session_start = session_start
        self._passwords = passwords
        self._passkeys = passkeys
        self._second_step = second_step
        self._verification = verification
        self._tokens = tokens

    async def with_password(self, request: LoginRequest) -> TokenPair | SecondFactorNeeded:
        """Sign in by a password; raises as `complete` does, NotAuthenticated, and TooManyRequests when locked."""
        password = request.password.get_secret_value()
        return await self.complete(await self._passwords.authenticate(request.email, password))

    async def with_passkey(self, assertion: PasskeyAssertion) -> TokenPair:
        """Sign in by a passkey, whose device must verify its user, without a password; raises NotAuthenticated."""
        used = await self._passkeys.verify(assertion, None)
        if used is None:
            raise PasskeyRefused
        return await self._start(Authentication(used.user_id, used.methods))

    async def complete(self, authentication: Authentication) -> TokenPair | SecondFactorNeeded:
        """Start a session of the account, or return which second factor is needed first.

        Raises NotAuthenticated when the account may not be used, or the authentication is outdated; EmailNotVerified
        where only verified accounts sign in; the link that verifies the address is then sent again.
        """
        if await self._session_start.lacks_factor(authentication):
            return await self._second_step.begin(authentication)
        return await self._start(authentication)

    async def with_code(self, entry: SecondFactorCode) -> TokenPair:
        """Complete a sign-in by a code; raises NotAuthenticated, or TooManyRequests when locked."""
        return await self._start(await self._second_step.with_code(entry.second_factor_token, entry.code))

    async def with_second_passkey(self, entry: SecondFactorPasskey) -> TokenPair:
        """Complete a sign-in by a passkey; raises NotAuthenticated."""
        return await self._start(await self._second_step.with_passkey(entry.second_factor_token, entry.assertion))

    async def _start(self, authentication: Authentication) -> TokenPair:
        token = new_family()
        try:
            session = await self._session_start.start(authentication, Session.Kind.API, token.family_digest)
        except EmailNotVerified:
            with suppress(NotFound):  # the account has been deleted in the meantime
                await self._verification.remind(authentication.user_id)
            raise
        return await self._tokens.pair_of(session, token.family)


def _session(authentication: Authentication, kind: Session.Kind, family_digest: bytes) -> Session:
    request = current_request()
    session = Session(
        user_id=authentication.user_id,
        kind=kind,
        family_digest=family_digest,
        methods=list(authentication.methods),
        user_agent=request.user_agent,
        ip_address=request.client_address,
    )
    if authentication.methods == (FEDERATED,):  # Keyhouse itself has checked no credential now
        session.authenticated_at = authentication.federated_at
    return session


def _start_entry(session: Session) -> AuditEntry:
    kind = {"kind": session.kind} if session.kind == Session.Kind.ADMIN else {}
    after = {**kind, "methods": session.methods}
    return AuditEntry(owner_of(session.user_id), "session.started", "session", session.pk, after=after)


def _refusal_entry(authentication: Authentication, refusal: DomainError) -> AuditEntry:
    after = {"methods": list(authentication.methods), "code": refusal.code}
    return AuditEntry(
        ANONYMOUS, "session.refused", "user", authentication.user_id, after=after, outcome=Outcome.FAILURE
    )
