"""Reads accounts."""

from typing import Any

from apps.core.authorization.catalogue import ACCOUNT_READ, ACCOUNT_WRITE, CUSTOMERS_READ
from apps.core.authorization.principal import Principal
from apps.core.authorization.scopes import held_scopes
from apps.core.errors import NotFound
from apps.core.schemas.page import START, CursorPage, Page
from apps.users.repositories.user_repository import UserRepository
from apps.users.schemas.account_overview import AccountOverview
from apps.users.schemas.user import UserOut, UserQuery
from apps.users.services.credentials import Credentials, require_changeable_by


class UserService:
    """Reads accounts, their scopes and their credentials. AccountUpdate changes them."""

    def __init__(self, users: UserRepository) -> None:
        self._users = users

    async def get(self, actor: Principal, user_id: int) -> UserOut:
        """Return the account; raises NotAllowed, InsufficientScopes, NotFound."""
        actor.require_reading(user_id, CUSTOMERS_READ)
        return UserOut.of(await self._users.get(user_id))

    async def overview(self, actor: Principal, user_id: int) -> AccountOverview:
        """Return the account for staff, also a deleted one; raises NotAllowed, InsufficientScopes, NotFound."""
        actor.require_scope(CUSTOMERS_READ)
        return await self.overview_of(user_id)

    async def overview_of(self, user_id: int) -> AccountOverview:
        """Return the account, also a deleted one, for callers that have checked who may read it; raises NotFound."""
        return AccountOverview.of(await self._users.get_even_deleted(user_id))

    async def page(self, actor: Principal, query: UserQuery) -> Page[UserOut]:
        """Return one page of the accounts that the actor may read: all with `customers:read`, else the actor's own.

        Raises InsufficientScopes.
        """
        rows, total = await self._users.page(offset=query.offset, size=query.size, **_filters(actor, query))
        return Page[UserOut].of(rows, total, query, UserOut.of)

    async def after(self, actor: Principal, query: UserQuery) -> CursorPage[UserOut]:
        """Return the part of these accounts at the cursor; raises as `page` does."""
        rows = await self._users.after(query.cursor or START, query.size + 1, **_filters(actor, query))
        return CursorPage[UserOut].of(rows, query, UserOut.of)

    async def require_readable(self, actor: Principal, user_id: int, scope: str, own: str = ACCOUNT_READ) -> None:
        """Raise unless the actor may read what belongs to the account.

        Raises NotAllowed or InsufficientScopes as `Principal.require_reading` does, NotFound for another account.
        """
        actor.require_reading(user_id, scope, own)
        if user_id != actor.user_id:
            await self._users.get(user_id)

    async def require_changeable(self, actor: Principal, user_id: int, scope: str, own: str = ACCOUNT_WRITE) -> None:
        """Raise NotAllowed or InsufficientScopes unless the actor may change what belongs to the account, NotFound.

        Inside a transaction use `Accounts.lock_for`, which holds until the transaction ends.
        """
        actor.require_writing(user_id, scope, own)
        if user_id != actor.user_id:
            await require_changeable_by(actor, await self.credentials(user_id), self._users)

    async def held_scopes(self, user_id: int) -> frozenset[str]:
        """Return the declared scopes that the account holds now; a deleted account holds none."""
        user: Any = await self._users.find_with_role_scopes(user_id)
        if user is None:
            return frozenset()
        return held_scopes(user.role_scopes, is_staff=user.is_staff, is_superuser=user.is_superuser)

    async def id_of_email(self, email: str) -> int:
        """Return the id of the account with this address; raises NotFound."""
        user = await self._users.find_by_email(email)
        if user is None:
            raise NotFound("No account has this e-mail address.")
        return user.pk

    async def credentials_of(self, email: str) -> Credentials | None:
        """Return the credentials of the account with this address, or None."""
        user = await self._users.find_by_email(email)
        return None if user is None else Credentials.of(user)

    async def credentials(self, user_id: int) -> Credentials:
        """Return the account's credentials; raises NotFound."""
        return Credentials.of(await self._users.get(user_id))


def _filters(actor: Principal, query: UserQuery) -> dict[str, Any]:
    reads_all = actor.has_scope(CUSTOMERS_READ)
    if not reads_all:
        actor.require_scope(ACCOUNT_READ)
    return {
        "search": query.search,
        "is_active": query.is_active,
        "only_id": None if reads_all else actor.owner_id,
    }
