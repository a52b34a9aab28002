"""Changes and sets passwords."""

from apps.authentication.schemas.password import PasswordChange
from apps.authentication.services.in_transaction.password_replacement import PasswordReplacement
from apps.authentication.services.password_check import PasswordCheck
from apps.core.authorization.principal import Principal
from apps.core.crypto.passwords import hash_password
from apps.core.database.transaction import transaction
from apps.second_factors.services.factor_rights import FactorRights
from apps.users.services.credentials import Credentials, password_digest
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.security_notifier import SecurityNotice
from apps.users.services.password_policy import check_new_password


class PasswordService:
    """Changes and sets passwords of accounts, which ends their sessions."""

    def __init__(
        self,
        passwords: PasswordCheck,
        credentials: AccountCredentials,
        rights: FactorRights,
        replacement: PasswordReplacement,
    ) -> None:
        self._passwords = passwords
        self._credentials = credentials
        self._rights = rights
        self._replacement = replacement

    async def change(self, actor: Principal, change: PasswordChange) -> None:
        """Set a new password and end every other session of the account.

        Raises StepUpRequired when the account has a second factor and the session is not recently authenticated by it,
        WrongPassword, ValidationFailed for a weak new password, TooManyRequests when locked.
        """
        kept_id = actor.require_session()
        await self._rights.require_second_factor_if_enrolled(actor)
        account = await self._credentials.get(actor.owner_id)
        await self._passwords.require(account, change.current_password.get_secret_value())
        password_hash = await hash_new_password(account, change.new_password.get_secret_value(), field="new_password")
        async with transaction():
            # Of two concurrent changes, the second was confirmed by a password that is no longer the account's.
            await self._replacement.replace(
                actor,
                account.user_id,
                password_hash,
                SecurityNotice.PASSWORD_CHANGED,
                kept_id=kept_id,
                checked_digest=password_digest(account.password_hash),
            )

    async def set(self, actor: Principal, user_id: int, password: str) -> None:
        """Set the password without the current one, and end every session of the account.

        Raises NotAllowed unless the actor is a superuser, NotFound, ValidationFailed for a weak password.
        """
        actor.require_superuser()
        account = await self._credentials.get(user_id)
        password_hash = await hash_new_password(account, password, field="password")
        async with transaction():
            await self._replacement.replace(actor, user_id, password_hash, SecurityNotice.PASSWORD_CHANGED)


async def hash_new_password(account: Credentials, password: str, *, field: str) -> str:
    """Return the hash of a password that the account may have; raises ValidationFailed for the field."""
    words = {"email": account.email, "username": account.username, "full_name": account.full_name}
    await check_new_password(password, field=field, **words)
    return await hash_password(password)
