"""Assigns roles to accounts."""

from collections.abc import Collection, Sequence

from apps.core.authorization.principal import Principal
from apps.core.errors import NotAllowed, ValidationFailed
from apps.users.repositories.role_repository import RoleRepository


class RoleAssignment:
    """Assigns roles in the caller's transaction, which has locked the account."""

    def __init__(self, roles: RoleRepository) -> None:
        self._roles = roles

    async def assign(self, user_id: int, names: Sequence[str]) -> list[str]:
        """Replace the account's roles by these, and return the names of its former roles.

        Raises ValidationFailed for an unknown role.
        """
        had = await self._roles.ids_of_account(user_id)
        locked = await self._lock(names, had)
        wanted = {role_id for role_id, name in locked.items() if name in names}
        await self._roles.remove_others(user_id, wanted)
        await self._roles.add(user_id, wanted - had)
        return sorted(locked[role_id] for role_id in had)

    async def lock_giveable(self, actor: Principal, names: Sequence[str], role_ids: Collection[int] = ()) -> set[int]:
        """Lock the roles with these names and ids, and return their ids.

        Raises ValidationFailed for an unknown role, NotAllowed when they have scopes that the actor lacks.
        """
        ids = set(await self._lock(names, role_ids))
        if lacking := await self._roles.scopes_of(ids) - actor.scopes:
            raise NotAllowed(f"You cannot give scopes that you lack: {', '.join(sorted(lacking))}.")
        return ids

    async def _lock(self, names: Sequence[str], ids: Collection[int]) -> dict[int, str]:
        locked = {role.pk: role.name for role in await self._roles.lock_all(names, ids)}
        if unknown := set(names).difference(locked.values()):
            raise ValidationFailed.of("roles", f"No role has the name {', '.join(sorted(unknown))}.")
        return locked
