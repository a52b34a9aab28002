"""Proving once more who one is, before something that a stolen session must not do (RFC 9470)."""

from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas import StepUpRequest
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.sign_in import PASSWORD
from apps.core.errors import WrongPassword
from apps.core.security.audit_entry import AuditEntry
from apps.core.security.principal import Principal
from apps.users.services.user_service import UserService


class StepUp:
    """Renews the proof of a session."""

    def __init__(self, sessions: SessionRepository, passwords: PasswordCheck, users: UserService) -> None:
        self._sessions = sessions
        self._passwords = passwords
        self._users = users

    async def with_password(self, actor: Principal, request: StepUpRequest) -> None:
        """Renew the session's proof by the password; raises WrongPassword, or TooManyRequests when locked."""
        session_id = actor.require_session()
        credentials = await self._users.credentials(actor.owner_id)
        if not await self._passwords.confirms(credentials, request.password.get_secret_value()):
            raise WrongPassword
        await self._renew(actor, session_id, (PASSWORD,))

    async def _renew(self, actor: Principal, session_id: int, methods: tuple[str, ...]) -> None:
        audit = AuditEntry(actor, "session.proven", "session", session_id, after={"methods": list(methods)})
        await self._sessions.renew_proof(session_id, actor.owner_id, methods, audit)
