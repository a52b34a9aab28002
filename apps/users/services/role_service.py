"""What roles there are, and who may change them."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import Principal
from apps.core.errors import NotFound
from apps.core.schemas.page import Page, PageQuery
from apps.users.repositories.role_repository import RoleRepository
from apps.users.schemas.role import RoleCreate, RoleOut, RoleUpdate


class RoleService:
    """Finds roles for staff; makes, changes and deletes them for superusers, for who could, could raise themselves.

    What a role gives is read anew at each use of it, so a change holds from its commit.
    """

    def __init__(self, roles: RoleRepository) -> None:
        self._roles = roles

    async def get(self, actor: Principal, role_id: int) -> RoleOut:
        """Return the role; raises NotAllowed, NotFound."""
        actor.require_staff()
        role = await self._roles.find(role_id)
        if role is None:
            raise NotFound
        return RoleOut.of(role)

    async def page(self, actor: Principal, query: PageQuery) -> Page[RoleOut]:
        """Return one page of the roles; raises NotAllowed."""
        actor.require_staff()
        rows, total = await self._roles.page(offset=query.offset, size=query.size)
        return Page[RoleOut].of(rows, total, query, RoleOut.of)

    async def create(self, actor: Principal, new: RoleCreate) -> RoleOut:
        """Make a role; raises NotAllowed, ValidationFailed (unknown permission), Conflict (the name is taken)."""
        actor.require_superuser()
        return RoleOut.of(await self._roles.create(new.model_dump(), AuditEntry(actor, "role.created", "role")))

    async def update(self, actor: Principal, role_id: int, update: RoleUpdate) -> RoleOut:
        """Change the role, and so what everybody who has it may do; raises NotFound, and what `create` raises.

        Needs a recent proof of who one is, which no API key has; raises StepUpRequired.
        """
        actor.require_superuser()
        actor.require_recent_authentication()
        changes = update.model_dump(include=update.model_fields_set)
        return RoleOut.of(await self._roles.update(role_id, changes, AuditEntry(actor, "role.updated", "role")))

    async def delete(self, actor: Principal, role_id: int) -> None:
        """Delete the role; raises NotAllowed, NotFound, Conflict when accounts have it."""
        actor.require_superuser()
        await self._roles.delete(role_id, AuditEntry(actor, "role.deleted", "role"))
