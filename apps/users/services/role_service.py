"""Lists and manages roles."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import ROLE_SCOPES, STAFF_MANAGE, STAFF_READ
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.entity_tags import ANY_VERSION, Precondition
from apps.core.errors import NotAllowed
from apps.core.schemas.base import REASON
from apps.core.schemas.page import Page, PageQuery
from apps.users.repositories.role_repository import RoleInUse, RoleRepository
from apps.users.schemas.role import RoleCreate, RoleOut, RoleUpdate

SCOPES = "scopes"


class RoleService:
    """Shows, creates, changes and deletes roles. Actors give only what they hold, and change no role of their own.

    Every request reads the scopes of roles, so a change is effective from its commit.
    """

    def __init__(self, roles: RoleRepository, audit: AuditTrail) -> None:
        self._roles = roles
        self._audit = audit

    async def get(self, actor: Principal, role_id: int) -> RoleOut:
        """Return the role; raises NotAllowed, InsufficientScopes, NotFound."""
        actor.require_scope(STAFF_READ)
        return RoleOut.of(await self._roles.get(role_id))

    async def page(self, actor: Principal, query: PageQuery) -> Page[RoleOut]:
        """Return one page of the roles; raises NotAllowed, InsufficientScopes."""
        actor.require_scope(STAFF_READ)
        rows, total = await self._roles.page(offset=query.offset, size=query.size)
        return Page[RoleOut].of(rows, total, query, RoleOut.of)

    async def create(self, actor: Principal, new: RoleCreate) -> RoleOut:
        """Create a role; raises NotAllowed, InsufficientScopes, Conflict when its name is taken."""
        actor.require_scope(STAFF_MANAGE)
        _require_held(actor, new.scopes)
        fields, actor = new.model_dump(exclude={REASON}), actor.because(new.reason)
        async with transaction():
            role_id = await self._roles.insert(new.name)
            await self._roles.replace_scopes(role_id, new.scopes)
            await self._audit.record(AuditEntry(actor, "role.created", "role", role_id, after=fields))
            return RoleOut.of(await self._roles.get(role_id))

    async def update(
        self, actor: Principal, role_id: int, update: RoleUpdate, if_match: Precondition = ANY_VERSION
    ) -> RoleOut:
        """Change the role, and the rights of all accounts with it.

        Raises NotFound, PreconditionFailed, and as `create` does.

        Requires recent authentication, so API keys are refused; raises StepUpRequired.
        """
        actor.require_scope(STAFF_MANAGE)
        actor.require_recent_authentication()
        changes, actor = update.model_dump(include=update.changed_fields), actor.because(update.reason)
        async with transaction():
            before = RoleOut.of(await self._roles.lock(role_id))
            _require_changeable(actor, before)
            if_match.require(before)
            _require_held(actor, changes.get(SCOPES, ()))
            if "name" in changes:
                await self._roles.rename(role_id, changes["name"])
            if SCOPES in changes:
                await self._roles.replace_scopes(role_id, changes[SCOPES])
            after = RoleOut.of(await self._roles.get(role_id))
            entry = AuditEntry(
                actor, "role.updated", "role", role_id, _values(before, changes), _values(after, changes)
            )
            await self._audit.record(entry)
        return after

    async def delete(self, actor: Principal, role_id: int, if_match: Precondition = ANY_VERSION) -> None:
        """Delete the role; raises NotFound, PreconditionFailed, Conflict if accounts have it, and as `create` does."""
        actor.require_scope(STAFF_MANAGE)
        async with transaction():
            role = RoleOut.of(await self._roles.lock(role_id))
            _require_changeable(actor, role)
            if_match.require(role)
            if await self._roles.has_members(role_id):
                raise RoleInUse
            await self._audit.record(
                AuditEntry(actor, "role.deleted", "role", role_id, role.model_dump(exclude={"id"}))
            )
            await self._roles.delete(role_id)


def _require_changeable(actor: Principal, role: RoleOut) -> None:
    """Raise NotAllowed for a role that gives what the actor lacks, and for a role of the actor's own.

    A superuser holds every scope without a role, so that a role of theirs changes nothing for them.
    """
    _require_held(actor, ROLE_SCOPES.intersection(role.scopes))
    if role.name in actor.roles and not actor.is_superuser:
        raise NotAllowed("You cannot change a role of your own. Ask another member of staff.")


def _require_held(actor: Principal, scopes: Iterable[str]) -> None:
    if lacking := set(scopes) - actor.scopes:
        raise NotAllowed(f"A role can be changed only by those who hold its scopes: {', '.join(sorted(lacking))}.")


def _values(role: RoleOut, names: Mapping[str, Any]) -> dict[str, Any]:
    return role.model_dump(include=set(names))
