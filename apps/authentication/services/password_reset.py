"""Setting a password anew, for whoever does not know the one that is."""

from apps.authentication.repositories.session_repository import SessionRepository
from apps.core.security.audit_entry import AuditEntry
from apps.core.security.passwords import hash_password
from apps.core.security.principal import Principal
from apps.users.services.password_policy import check_new_password
from apps.users.services.user_service import UserService


class PasswordReset:
    """Gives an account a new password without asking for the old one."""

    def __init__(self, sessions: SessionRepository, users: UserService) -> None:
        self._sessions = sessions
        self._users = users

    async def set_password(self, actor: Principal, user_id: int, password: str) -> None:
        """Set the password and end every session of the account.

        Raises NotAllowed unless the actor is a superuser, NotFound, ValidationFailed for a weak password.
        """
        actor.require_superuser()
        credentials = await self._users.credentials(user_id)
        account = {"email": credentials.email, "username": credentials.username, "full_name": credentials.full_name}
        await check_new_password(password, **account)
        audit = AuditEntry(actor, "user.password_changed", "user")
        await self._sessions.change_password(user_id, await hash_password(password), None, audit)
