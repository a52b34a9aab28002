"""Lists and manages roles."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import ValidationFailed
from apps.core.schemas.page import Page, PageQuery
from apps.users.repositories.role_repository import RoleInUse, RoleRepository
from apps.users.schemas.role import RoleCreate, RoleOut, RoleUpdate


class RoleService:
    """Lists roles for staff, and manages them for superusers: others could give themselves rights.

    Every request reads the scopes of roles, so a change is effective from its commit.
    """

    def __init__(self, roles: RoleRepository, audit: AuditTrail) -> None:
        self._roles = roles
        self._audit = audit

    async def get(self, actor: Principal, role_id: int) -> RoleOut:
        """Return the role; raises NotAllowed, NotFound."""
        actor.require_staff()
        return RoleOut.of(await self._roles.get(role_id))

    async def page(self, actor: Principal, query: PageQuery) -> Page[RoleOut]:
        """Return one page of the roles; raises NotAllowed."""
        actor.require_staff()
        rows, total = await self._roles.page(offset=query.offset, size=query.size)
        return Page[RoleOut].of(rows, total, query, RoleOut.of)

    async def create(self, actor: Principal, new: RoleCreate) -> RoleOut:
        """Create a role; raises NotAllowed, Conflict when its name is taken, ValidationFailed (unknown permission)."""
        actor.require_superuser()
        fields = new.model_dump()
        async with transaction():
            role_id = await self._roles.insert(new.name)
            await self._give(role_id, fields)
            await self._audit.record(AuditEntry(actor, "role.created", "role", role_id, after=fields))
            return RoleOut.of(await self._roles.get(role_id))

    async def update(self, actor: Principal, role_id: int, update: RoleUpdate) -> RoleOut:
        """Change the role, and the rights of all accounts with it; raises NotFound, and as `create` does.

        Requires recent authentication, so API keys are refused; raises StepUpRequired.
        """
        actor.require_superuser()
        actor.require_recent_authentication()
        changes = update.model_dump(include=update.model_fields_set)
        async with transaction():
            before = RoleOut.of(await self._roles.lock(role_id))
            if "name" in changes:
                await self._roles.rename(role_id, changes["name"])
            await self._give(role_id, changes)
            after = RoleOut.of(await self._roles.get(role_id))
            entry = AuditEntry(
                actor, "role.updated", "role", role_id, _values(before, changes), _values(after, changes)
            )
            await self._audit.record(entry)
        return after

    async def delete(self, actor: Principal, role_id: int) -> None:
        """Delete the role; raises NotAllowed, NotFound, Conflict when accounts have it."""
        actor.require_superuser()
        async with transaction():
            role = RoleOut.of(await self._roles.lock(role_id))
            if await self._roles.has_members(role_id):
                raise RoleInUse
            await self._audit.record(
                AuditEntry(actor, "role.deleted", "role", role_id, role.model_dump(exclude={"id"}))
            )
            await self._roles.delete(role_id)

    async def _give(self, role_id: int, fields: Mapping[str, Any]) -> None:
        if "scopes" in fields:
            await self._roles.replace_scopes(role_id, fields["scopes"])
        if "permissions" in fields:
            await self._roles.replace_permissions(role_id, await self._permission_ids(fields["permissions"]))

    async def _permission_ids(self, names: Sequence[str]) -> list[int]:
        found = await self._roles.find_permissions(names)
        if unknown := [name for name in names if name not in found]:
            raise ValidationFailed.of("permissions", f"No permission has the name {', '.join(unknown)}.")
        return list(found.values())


def _values(role: RoleOut, names: Mapping[str, Any]) -> dict[str, Any]:
    return role.model_dump(include=set(names))
