"""Changes accounts."""

from collections.abc import Mapping
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.plans.services.plan_service import PlanService
from apps.users.models import User
from apps.users.repositories.user_repository import UserRepository
from apps.users.schemas.user import UserOut, UserUpdate
from apps.users.services.credentials import Credentials, require_changeable_by, require_removable_by
from apps.users.services.in_transaction.email_changes import EmailChangeRequests, EmailReplacement
from apps.users.services.in_transaction.role_assignment import RoleAssignment

ROLES = "roles"


class AccountUpdate:
    """Changes accounts for their owners and for staff.

    An owner's new address is pending until it is confirmed (EmailChange); a change by staff is immediate.
    """

    def __init__(
        self,
        users: UserRepository,
        plans: PlanService,
        roles: RoleAssignment,
        email_changes: EmailChangeRequests,
        replacement: EmailReplacement,
        audit: AuditTrail,
    ) -> None:
        self._users = users
        self._plans = plans
        self._roles = roles
        self._email_changes = email_changes
        self._replacement = replacement
        self._audit = audit

    async def update(self, actor: Principal, user_id: int, update: UserUpdate) -> UserOut:
        """Change the account and return it.

        Changes that may give access or rights require recent authentication, so API keys are refused. Raises
        NotAllowed, InsufficientScopes, StepUpRequired, NotFound, ValidationFailed for an unknown plan or role, Conflict
        when the address or user name is taken or staff would remove their own access, and TooManyRequests as
        EmailChangeRequests does.
        """
        _require_rights(actor, user_id, update)
        changes = await self._changes(update)
        wanted_email = changes.pop("email", None) if user_id == actor.user_id else None
        async with transaction():
            user = await self._users.lock(user_id)
            require = require_removable_by if update.removes_access else require_changeable_by
            require(actor, Credentials.of(user))
            if changes or wanted_email is None:
                await self._write(actor, user, changes)
            if wanted_email is not None:
                await self._email_changes.begin(actor, user, wanted_email)
            elif "email" in changes:
                await self._replacement.complete_by_staff(actor, user, changes["email"])
            return UserOut.of(await self._users.get(user_id))

    async def _changes(self, update: UserUpdate) -> dict[str, Any]:
        changes = {name: getattr(update, name) for name in update.model_fields_set}
        if "plan" in changes:
            changes["plan_id"] = await self._plans.id_of(changes.pop("plan"))
        return changes

    async def _write(self, actor: Principal, user: User, changes: Mapping[str, Any]) -> None:
        columns = {name: value for name, value in changes.items() if name != ROLES}
        before = {name: getattr(user, name) for name in columns}
        if ROLES in changes:
            before[ROLES] = await self._roles.assign(user.pk, changes[ROLES])
        if "email" in columns and columns["email"].lower() != user.email.lower():
            columns["email_verified_at"] = None
        await self._users.update(user, columns, ends_sessions=_ends_sessions(user, changes))
        await self._audit.record(AuditEntry(actor, "user.updated", "user", user.pk, before, changes))


def _require_rights(actor: Principal, user_id: int, update: UserUpdate) -> None:
    actor.require_writing(user_id)
    if update.needs_staff:
        actor.require_staff()
    if update.needs_superuser:
        actor.require_superuser()
    if update.gives_access:
        actor.require_recent_authentication()


def _ends_sessions(user: User, changes: Mapping[str, Any]) -> bool:
    """Return whether the owner has to sign in again: the account is suspended, or no longer belongs to staff."""
    return changes.get("is_active") is False or (user.is_staff and changes.get("is_staff") is False)
