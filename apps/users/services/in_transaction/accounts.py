"""Locking accounts before what belongs to them is changed."""

from typing import Any

from apps.core.authorization.principal import Principal
from apps.core.authorization.scopes import ACCOUNT_WRITE
from apps.core.errors import NotFound
from apps.users.repositories.account_repository import AccountRepository
from apps.users.services.credentials import Credentials, is_usable
from apps.users.services.staff_rules import require_changeable_by


class Accounts:
    """Locks accounts in the caller's transaction, before anything that belongs to them. Deleted ones are not found."""

    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def lock(self, user_id: int) -> Credentials:
        """Lock the account, usable or not; raises NotFound."""
        return Credentials.of(await self._accounts.lock(user_id))

    async def lock_for(self, actor: Principal, user_id: int, scope: str = ACCOUNT_WRITE) -> Credentials:
        """Lock the account, whose belongings the actor is about to change.

        Raises NotFound, NotAllowed or InsufficientScopes unless the actor may: a customer its own, with `scope` where
        it is a key; staff every customer's; superusers also another member of staff's.
        """
        actor.require_writing(user_id, scope)
        account = await self.lock(user_id)
        require_changeable_by(actor, account)
        return account

    async def lock_usable(self, user_id: int) -> Credentials:
        """Lock the account; raises NotFound where it may not be used."""
        account = await self.lock(user_id)
        if not account.is_usable:
            raise NotFound
        return account

    async def lock_by_email(self, email: str) -> Credentials | None:
        """Lock the account with this address, usable or not; None where there is none."""
        user = await self._accounts.lock_by_email(email)
        return None if user is None else Credentials.of(user)

    async def lock_usable_by_email(self, email: str) -> Credentials | None:
        """Lock the account with this address; None where there is none, or it may not be used."""
        user = await self._accounts.lock_by_email(email)
        return Credentials.of(user) if user is not None and is_usable(user) else None

    async def lock_key_allowance(self, user_id: int) -> int | None:
        """Lock the account and return how many keys its plan allows, None for any number; raises NotFound."""
        account: Any = await self._accounts.lock_with_key_allowance(user_id)
        maximum: int | None = account.api_keys_maximum
        return maximum
