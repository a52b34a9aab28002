"""Proving once more who one is, before something that a stolen session must not do (RFC 9470)."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.login import StepUpRequest
from apps.authentication.services.password_check import PasswordCheck
from apps.core.authorization.authentication_methods import PASSWORD
from apps.core.authorization.principal import Principal
from apps.core.errors import PasskeyRefused, SecondFactorRequired, WrongCode, WrongPassword
from apps.second_factors.schemas.passkey import PasskeyAssertion, PasskeyOptions
from apps.second_factors.services.passkey_proof import PasskeyProof
from apps.second_factors.services.second_factors import SecondFactors
from apps.users.services.user_service import UserService

NOT_ENOUGH = "The account has a second factor: prove it by a code or a passkey; a password alone is not enough."


class StepUp:
    """Renews the proof of a session: by a second factor where the account has one, else by its password."""

    def __init__(
        self,
        sessions: SessionRepository,
        passwords: PasswordCheck,
        users: UserService,
        factors: SecondFactors,
        passkeys: PasskeyProof,
    ) -> None:
        self._sessions = sessions
        self._passwords = passwords
        self._users = users
        self._factors = factors
        self._passkeys = passkeys

    async def prove(self, actor: Principal, request: StepUpRequest) -> None:
        """Renew the session's proof by what the request holds.

        Raises WrongPassword, WrongCode or PasskeyRefused, SecondFactorRequired for a password where it is not enough,
        and TooManyRequests when locked.
        """
        session_id = actor.require_session()
        methods = await self._shown(actor.owner_id, request)
        audit = AuditEntry(actor, "session.proven", "session", session_id, after={"methods": list(methods)})
        await self._sessions.renew_proof(session_id, actor.owner_id, methods, audit)

    async def ask_for_passkey(self, actor: Principal) -> PasskeyOptions:
        """Return what to ask the browser for; raises NotAllowed without a session."""
        actor.require_session()
        return await self._passkeys.ask(actor.owner_id)

    async def _shown(self, user_id: int, request: StepUpRequest) -> tuple[str, ...]:
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
        proven = await self._passkeys.judge(assertion, user_id)
        if proven is None:
            raise PasskeyRefused
        return proven.methods

    async def _by_password(self, user_id: int, password: str) -> tuple[str, ...]:
        if await self._factors.kinds_of(user_id):
            raise SecondFactorRequired(NOT_ENOUGH)
        if not await self._passwords.confirms(await self._users.credentials(user_id), password):
            raise WrongPassword
        return (PASSWORD,)
