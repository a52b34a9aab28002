"""Reads and writes roles, and assigns them to accounts."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q

from apps.core.database.database_errors import ConstraintViolated
from apps.core.database.orm.queries import count, exists, fetch_all, fetch_one, lock_all, lock_one
from apps.core.database.orm.writes import check_constraints, delete, insert_all, insert_if_free, update
from apps.core.errors import Conflict, ErrorDetail, NotFound
from apps.users.models import Invitation, Role, RoleScope, User

NAME_UNIQUE = "auth_group_name_key"
NAME_TAKEN = ErrorDetail("name", "A role with this name exists.")
# Django makes these models, so nothing says of which type they are. Permissions have no effect; rows of earlier
# versions are deleted with their role.
Membership: type[Any] = User.groups.through
InvitedRole: type[Any] = Invitation.roles.through
GrantedPermission: type[Any] = Group.permissions.through


class RoleInUse(Conflict):
    """A role that accounts have cannot be deleted."""

    code = "ROLE_IN_USE"
    message = "Accounts have this role. Remove it from them first, or remove its scopes instead."


class RoleRepository:
    """The roles' rows: Django's groups, with the scopes that they give.

    Lock a role before changing its scopes, permissions or accounts. Before changing its accounts, also lock the
    account.
    """

    async def get(self, role_id: int) -> Role:
        """Return the role with its scopes; raises NotFound."""
        return _existing(await fetch_one(Role.objects.with_scopes().filter(pk=role_id)))

    async def page(self, *, offset: int, size: int) -> tuple[list[Role], int]:
        """Return one page of roles in order of id, and how many there are."""
        roles = Role.objects.with_scopes().order_by("id")
        return await fetch_all(roles[offset : offset + size]), await count(roles)

    async def lock(self, role_id: int) -> Role:
        """Lock the role and return it with its scopes; raises NotFound."""
        _existing(await lock_one(Role.objects.filter(pk=role_id)))
        return await self.get(role_id)  # read after locking: a subquery would return the state before the wait

    async def insert(self, name: str) -> int:
        """Insert a role without scopes and permissions and return its id; raises Conflict when its name is taken."""
        role = Role(name=name)
        if not await insert_if_free(role):
            raise _name_taken()
        return role.pk

    async def rename(self, role_id: int, name: str) -> None:
        """Rename a locked role; raises Conflict when the name is taken."""
        if await exists(Role.objects.filter(name=name).exclude(pk=role_id)):
            raise _name_taken()
        try:
            await update(Role.objects.filter(pk=role_id), name=name)
        except ConstraintViolated as error:  # a concurrent transaction has taken the name
            raise (_name_taken() if error.constraint == NAME_UNIQUE else error) from error

    async def replace_scopes(self, role_id: int, scopes: Collection[str]) -> None:
        """Replace the scopes of a locked role."""
        await delete(RoleScope.objects.filter(role=role_id).exclude(scope__in=scopes))
        await insert_all([RoleScope(role_id=role_id, scope=scope) for scope in scopes], ignore_conflicts=True)

    async def has_members(self, role_id: int) -> bool:
        """Return whether an account that is not deleted has a locked role."""
        return await exists(Membership.objects.filter(group=role_id, user__deleted_at=None))

    async def delete(self, role_id: int) -> None:
        """Delete a locked role, also from deleted accounts and invitations; raises RoleInUse when one has it."""
        await delete(Membership.objects.filter(group=role_id))
        await delete(InvitedRole.objects.filter(group=role_id))
        await delete(RoleScope.objects.filter(role=role_id))
        await delete(GrantedPermission.objects.filter(group=role_id))
        await delete(Role.objects.filter(pk=role_id))
        try:
            await check_constraints()
        except ConstraintViolated as error:
            raise RoleInUse from error

    async def ids_of_account(self, user_id: int) -> set[int]:
        """Return the ids of a locked account's roles."""
        return {row.group_id for row in await fetch_all(Membership.objects.filter(user=user_id))}

    async def lock_all(self, names: Collection[str], ids: Collection[int]) -> list[Role]:
        """Lock the roles that have one of the names or ids, and return them in order of id."""
        return await lock_all(Role.objects.filter(Q(name__in=names) | Q(pk__in=ids)))

    async def scopes_of(self, ids: Collection[int]) -> set[str]:
        """Return the scopes that these roles give together."""
        return {given.scope for given in await fetch_all(RoleScope.objects.filter(role__in=ids))}

    async def remove_others(self, user_id: int, ids: Collection[int]) -> None:
        """Remove all roles except these, which are locked, from a locked account."""
        await delete(Membership.objects.filter(user=user_id).exclude(group__in=ids))

    async def add(self, user_id: int, ids: Collection[int]) -> None:
        """Give these roles, which are locked, to a locked account."""
        await insert_all([Membership(user_id=user_id, group_id=role_id) for role_id in sorted(ids)])


def _existing(role: Role | None) -> Role:
    if role is None:
        raise NotFound
    return role


def _name_taken() -> Conflict:
    return Conflict(NAME_TAKEN.message, details=[NAME_TAKEN])
