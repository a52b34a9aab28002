"""Setting passwords."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.password import PasswordChange
from apps.authentication.services.password_check import PasswordCheck
from apps.core.authorization.principal import Principal
from apps.core.crypto.passwords import hash_password
from apps.core.errors import WrongPassword
from apps.second_factors.services.factor_rights import FactorRights
from apps.users.services.credentials import Credentials, password_digest
from apps.users.services.password_policy import check_new_password
from apps.users.services.user_service import UserService


class PasswordService:
    """Gives accounts new passwords, each of which ends sessions."""

    def __init__(
        self, sessions: SessionRepository, passwords: PasswordCheck, users: UserService, rights: FactorRights
    ) -> None:
        self._sessions = sessions
        self._passwords = passwords
        self._users = users
        self._rights = rights

    async def change(self, actor: Principal, change: PasswordChange) -> None:
        """Set a new password and end every other session, at both doors.

        An account with a second factor needs fresh proof too.

        Raises StepUpRequired, WrongPassword, ValidationFailed for a weak new password, TooManyRequests when locked.
        """
        kept_id = actor.require_session()
        await self._rights.require_fresh_if_protected(actor)
        credentials = await self._users.credentials(actor.owner_id)
        if not await self._passwords.confirms(credentials, change.current_password.get_secret_value()):
            raise WrongPassword
        # Of two who change it at once, the second has given a password that is the account's no more.
        new, judged = change.new_password.get_secret_value(), password_digest(credentials.password_hash)
        await self._store(actor, credentials, new, kept_id, judged, field="new_password")

    async def set(self, actor: Principal, user_id: int, password: str) -> None:
        """Set the password without asking for the one that is, and end every session of the account.

        Raises NotAllowed unless the actor is a superuser, NotFound, ValidationFailed for a weak password.
        """
        actor.require_superuser()
        await self._store(actor, await self._users.credentials(user_id), password)

    async def _store(
        self,
        actor: Principal,
        credentials: Credentials,
        password: str,
        kept_id: int | None = None,
        judged_digest: str | None = None,
        *,
        field: str = "password",
    ) -> None:
        account = {"email": credentials.email, "username": credentials.username, "full_name": credentials.full_name}
        await check_new_password(password, field=field, **account)
        audit = AuditEntry(actor, "user.password_changed", "user")
        password_hash = await hash_password(password)
        await self._sessions.change_password(credentials.user_id, password_hash, kept_id, audit, judged_digest)
