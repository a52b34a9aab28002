"""Re-authentication (RFC 9470): an attacker with a stolen session cannot do what requires a recent authentication."""

from collections.abc import Sequence

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.login import StepUpRequest
from apps.authentication.services.password_check import PasswordCheck
from apps.core.authorization.authentication_methods import PASSWORD, include_second_factor
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import PasskeyRefused, SecondFactorRequired, WrongCode
from apps.second_factors.schemas.passkey import PasskeyAssertion, PasskeyOptions
from apps.second_factors.services.in_transaction.account_factors import FactorCheck
from apps.second_factors.services.passkey_authentication import PasskeyAuthentication
from apps.second_factors.services.second_factors import SecondFactors
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.accounts import Accounts

FACTOR_NEEDED = "The account has a second factor. Re-authenticate with a code or a passkey instead of the password."


class SessionAuthentication:
    """Records in the session by which methods its owner has authenticated, and when."""

    def __init__(
        self, sessions: SessionRepository, accounts: Accounts, factors: FactorCheck, audit: AuditTrail
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._factors = factors
        self._audit = audit

    async def record(self, actor: Principal, methods: Sequence[str]) -> None:
        """Add the methods to the caller's session, and record that it was authenticated now.

        Raises NotAllowed without a session, NotFound when it has ended, SecondFactorRequired when the account has a
        second factor and none is among the methods.
        """
        session_id, user_id = actor.require_session(), actor.owner_id
        async with transaction():
            await self._accounts.lock(user_id)
            if not include_second_factor(methods) and await self._factors.has_one(user_id):
                raise SecondFactorRequired(FACTOR_NEEDED)
            session = await self._sessions.lock(session_id, user_id)
            await self._sessions.record_authentication(session, sorted({*session.methods, *methods}))
            after = {"methods": list(methods)}
            await self._audit.record(AuditEntry(actor, "session.proven", "session", session_id, after=after))


class Reauthentication:
    """Re-authenticates a session's owner by a second factor if the account has one, otherwise by the password."""

    def __init__(
        self,
        authentication: SessionAuthentication,
        passwords: PasswordCheck,
        credentials: AccountCredentials,
        factors: SecondFactors,
        passkeys: PasskeyAuthentication,
    ) -> None:
        self._authentication = authentication
        self._passwords = passwords
        self._credentials = credentials
        self._factors = factors
        self._passkeys = passkeys

    async def confirm(self, actor: Principal, request: StepUpRequest) -> None:
        """Check the credential in the request, and record that the session was authenticated now.

        Raises WrongPassword, WrongCode or PasskeyRefused, SecondFactorRequired for a password where it is not enough,
        and TooManyRequests when locked.
        """
        actor.require_session()
        await self._authentication.record(actor, await self._checked_methods(actor.owner_id, request))

    async def passkey_options(self, actor: Principal) -> PasskeyOptions:
        """Return the browser's options for a passkey; raises NotAllowed without a session."""
        actor.require_session()
        return await self._passkeys.options(actor.owner_id)

    async def _checked_methods(self, user_id: int, request: StepUpRequest) -> tuple[str, ...]:
        if request.code is not None:
            return await self._by_code(user_id, request.code)
        if request.passkey is not None:
            return await self._by_passkey(user_id, request.passkey)
        return await self._by_password(user_id, request.password.get_secret_value() if request.password else "")

    async def _by_code(self, user_id: int, code: str) -> tuple[str, ...]:
        method = await self._factors.check_code(user_id, code)
        if method is None:
            raise WrongCode
        return (method,)

    async def _by_passkey(self, user_id: int, assertion: PasskeyAssertion) -> tuple[str, ...]:
        used = await self._passkeys.verify(assertion, user_id)
        if used is None:
            raise PasskeyRefused
        return used.methods

    async def _by_password(self, user_id: int, password: str) -> tuple[str, ...]:
        if await self._factors.kinds_of(user_id):
            raise SecondFactorRequired(FACTOR_NEEDED)
        await self._passwords.require(await self._credentials.get(user_id), password)
        return (PASSWORD,)
