"""Locks accounts for a change, and checks the scopes that they hold."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from apps.core.authorization.catalogue import ACCOUNT_WRITE, STAFF_SCOPES
from apps.core.authorization.principal import Principal
from apps.core.authorization.scopes import held_scopes, reserved_under, withheld_scopes
from apps.core.errors import ErrorDetail, NotFound, ValidationFailed
from apps.users.models import User
from apps.users.repositories.account_repository import AccountRepository
from apps.users.services.credentials import (
    Credentials,
    is_usable,
    may_be_shown_texts,
    require_changeable_by,
    require_removable_by,
)


class MailRecipient(NamedTuple):
    """Where messages to an account's owner go, and the time by the database's clock."""

    address: str
    may_be_shown_texts: bool
    moment: datetime


class ScopeHolder(NamedTuple):
    """A member of staff who holds a scope, and the address for messages about it."""

    user_id: int
    email: str


class Accounts:
    """Locks accounts in the caller's transaction, before anything that belongs to them.

    Deleted ones are not found, except by `lock_even_deleted_for`.
    """

    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def lock(self, user_id: int) -> Credentials:
        """Lock the account, usable or not; raises NotFound."""
        return Credentials.of(await self._accounts.lock(user_id))

    async def lock_for(self, actor: Principal, user_id: int, scope: str, own: str = ACCOUNT_WRITE) -> Credentials:
        """Lock the account, whose belongings the actor is about to change.

        Raises NotFound, NotAllowed or InsufficientScopes unless the actor may: the account itself with the scope `own`,
        others with `scope`, and another member of staff's as `require_changeable_by` says.
        """
        actor.require_writing(user_id, scope, own)
        account = await self.lock(user_id)
        await require_changeable_by(actor, account, self._accounts)
        return account

    async def lock_even_deleted_for(self, actor: Principal, user_id: int, scope: str, own: str) -> Credentials:
        """Lock the account, deleted or not; raises as `lock_for` does. For changes that only take something away."""
        actor.require_writing(user_id, scope, own)
        account = Credentials.of(await self._accounts.lock_even_deleted(user_id))
        await require_changeable_by(actor, account, self._accounts)
        return account

    async def lock_usable(self, user_id: int) -> Credentials:
        """Lock the account; raises NotFound if it may not be used."""
        account = await self.lock(user_id)
        if not account.is_usable:
            raise NotFound
        return account

    async def lock_by_email(self, email: str) -> Credentials | None:
        """Lock and return the account with this address, usable or not, or None."""
        user = await self._accounts.lock_by_email(email)
        return None if user is None else Credentials.of(user)

    async def lock_usable_by_email(self, email: str) -> Credentials | None:
        """Lock the address, and return the account that has it, locked, if it may be used, or None.

        Takes as long in both cases, also while other transactions lock the address.
        """
        await self._accounts.lock_address(email)
        user = await self._accounts.lock_by_email(email)
        return Credentials.of(user) if user is not None and is_usable(user) else None

    async def lift_lock(self, user_id: int) -> bool:
        """End the lock (`locked_until`) of a locked account, and return whether it had one."""
        return await self._accounts.lift_lock(user_id)

    async def mail_recipient(self, user_id: int) -> MailRecipient | None:
        """Return where messages to the account's owner go; None once the account is erased. Raises NotFound."""
        user, moment = await self._accounts.find_now(user_id)
        return MailRecipient(user.email, may_be_shown_texts(user), moment) if user.erased_at is None else None

    async def lock_key_allowance(self, user_id: int) -> int | None:
        """Lock the account and return the number of keys that its plan allows, None for any number; raises NotFound."""
        account: Any = await self._accounts.lock_with_key_allowance(user_id)
        maximum: int | None = account.api_keys_maximum
        return maximum


async def lock_removable(actor: Principal, user_id: int, accounts: AccountRepository) -> User:
    """Lock the account, from which the actor is about to take access, and return it.

    Raises NotFound, and as `require_removable_by` does.
    """
    user, own = await accounts.lock_with(user_id, actor.user_id)
    await require_removable_by(actor, Credentials.of(user), Credentials.of(own) if own else None, accounts)
    return user


class HeldScopes:
    """Checks that an account holds scopes, for early errors: every use of a key checks its scopes again.

    Finds the members of staff who hold a scope, by a role or as superusers; not those who are suspended or deleted.
    """

    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def require_held(self, user_id: int, scopes: Iterable[str]) -> None:
        """Raise ValidationFailed unless the account holds each declared scope that is among `scopes` or under them."""
        wanted = reserved_under(scopes)
        missing = withheld_scopes(wanted, await self._held(user_id)) if wanted else []
        if missing:
            details = [ErrorDetail("scopes", await self._requirement_of(scope)) for scope in missing]
            raise ValidationFailed("The owner of the key does not hold all of these scopes.", details=details)

    async def holder(self, user_id: int, scope: str) -> ScopeHolder | None:
        """Return the account if it is of a member of staff who holds the scope, or None."""
        user = await self._accounts.find_staff_with_scope(user_id, scope)
        return None if user is None else ScopeHolder(user.pk, user.email)

    async def holders(self, scope: str, without: Sequence[int], maximum: int) -> list[ScopeHolder]:
        """Return up to `maximum` members of staff who hold the scope, superusers last, except those in `without`."""
        found = await self._accounts.staff_with_scope(scope, without, maximum)
        return [ScopeHolder(user.pk, user.email) for user in found]

    async def _held(self, user_id: int) -> frozenset[str]:
        user: Any = await self._accounts.find_with_role_scopes(user_id)
        if user is None:
            return frozenset()
        return held_scopes(user.role_scopes, is_staff=user.is_staff, is_superuser=user.is_superuser)

    async def _requirement_of(self, scope: str) -> str:
        owner = "The owner must be a member of staff with" if scope in STAFF_SCOPES else "The owner needs"
        names = await self._accounts.role_names_with_scope(scope)
        if not names:
            return f"{owner} a role with the scope {scope}, and no role has it."
        return f"{owner} a role with the scope {scope}: {' or '.join(names)}."
