"""Assigns roles to accounts."""

from collections.abc import Sequence

from apps.core.errors import ValidationFailed
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
        locked = {role.pk: role.name for role in await self._roles.lock_all(names, had)}
        if unknown := set(names).difference(locked.values()):
            raise ValidationFailed.of("roles", f"No role has the name {', '.join(sorted(unknown))}.")
        wanted = {role_id for role_id, name in locked.items() if name in names}
        await self._roles.remove_others(user_id, wanted)
        await self._roles.add(user_id, wanted - had)
        return sorted(locked[role_id] for role_id in had)
