"""Changes accounts."""

from collections.abc import Mapping
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import CUSTOMERS_SUSPEND, CUSTOMERS_WRITE, STAFF_MANAGE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.entity_tags import ANY_VERSION, Precondition
from apps.core.errors import NotAllowed
from apps.plans.services.plan_service import PlanService
from apps.users.models import User
from apps.users.repositories.user_repository import UserRepository
from apps.users.schemas.user import UserOut, UserUpdate
from apps.users.services.credentials import Credentials, require_admissible_by, require_changeable_by, scopes_held_by
from apps.users.services.in_transaction.accounts import lock_removable
from apps.users.services.in_transaction.change_messages import ChangeMessages
from apps.users.services.in_transaction.email_changes import EmailChangeRequests, EmailReplacement
from apps.users.services.in_transaction.role_assignment import RoleAssignment

ROLES, IS_STAFF, PLAN_ID = "roles", "is_staff", "plan_id"
# The fields that owners never change themselves, and the scope that others need for each.
STAFF_FIELDS = {
    "plan": CUSTOMERS_WRITE,
    "is_active": CUSTOMERS_SUSPEND,
    ROLES: STAFF_MANAGE,
    IS_STAFF: STAFF_MANAGE,
}
UPDATED = "user.updated"
RIGHTS = {"plan", ROLES, IS_STAFF}
SCOPES = {ROLES, IS_STAFF}  # the fields that decide which scopes an account holds
OWN_RIGHTS = "You cannot change your own plan or rights. Ask another member of staff."


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
        *,
        messages: ChangeMessages,
        audit: AuditTrail,
    ) -> None:
        self._users = users
        self._plans = plans
        self._roles = roles
        self._email_changes = email_changes
        self._replacement = replacement
        self._messages = messages
        self._audit = audit

    async def update(
        self, actor: Principal, user_id: int, update: UserUpdate, if_match: Precondition = ANY_VERSION
    ) -> UserOut:
        """Change the account and return it. Its owner gets the update's message by mail.

        What may give access or rights needs a recent authentication, which no API key has. Raises NotAllowed, also for
        rights that the actor lacks, InsufficientScopes, StepUpRequired, NotFound, ValidationFailed for an unknown plan
        or role, PreconditionFailed, Conflict when the address or user name is taken or members of staff would remove
        their own access, TooManyRequests as EmailChangeRequests does.
        """
        _require_rights(actor, user_id, update)
        actor = actor.because(update.reason)
        changes = await self._changes(update)
        wanted_email = changes.pop("email", None) if user_id == actor.user_id else None
        async with transaction():
            user = await self._lock(actor, user_id, update)
            if if_match.is_conditional:
                if_match.require(UserOut.of(await self._users.get(user_id)))
            if changes or wanted_email is None:
                before = await self._write(actor, user, changes)
                await self._messages.tell(user, update, _changed(before, changes))
            if wanted_email is not None:
                await self._email_changes.begin(actor, user, wanted_email)
            elif "email" in changes:
                await self._replacement.complete_by_staff(actor, user, changes["email"])
            return UserOut.of(await self._users.get(user_id))

    async def _lock(self, actor: Principal, user_id: int, update: UserUpdate) -> User:
        if update.removes_access:
            return await lock_removable(actor, user_id, self._users)
        user = await self._users.lock(user_id)
        require = require_admissible_by if update.reactivates else require_changeable_by
        await require(actor, Credentials.of(user), self._users)
        return user

    async def _changes(self, update: UserUpdate) -> dict[str, Any]:
        changes = {name: getattr(update, name) for name in update.changed_fields}
        if "plan" in changes:
            changes[PLAN_ID] = await self._plans.id_of(changes.pop("plan"))
        return changes

    async def _write(self, actor: Principal, user: User, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Store and record the changes, and return the former values."""
        held = await scopes_held_by(Credentials.of(user), self._users) if changes.keys() & SCOPES else frozenset()
        columns = {name: value for name, value in changes.items() if name != ROLES}
        before = {name: getattr(user, name) for name in columns}
        if ROLES in changes:
            before[ROLES] = await self._roles.assign(user.pk, changes[ROLES])
        if "email" in columns and columns["email"].lower() != user.email.lower():
            columns["email_verified_at"] = None
            columns["formerly_verified_at"] = user.email_verified_at or user.formerly_verified_at
        await self._users.update(user, columns, ends_sessions=_ends_sessions(user, changes))
        if changes.keys() & SCOPES:
            await self._require_may_give(actor, user, held)
        await self._audit.record_all(_entries(actor, user, before, changes))
        return before

    async def _require_may_give(self, actor: Principal, user: User, held: frozenset[str]) -> None:
        """Raise NotAllowed where the account, as it is now, holds scopes that it did not and that the actor lacks."""
        changed = Credentials.of(await self._users.get(user.pk))
        if lacking := await scopes_held_by(changed, self._users) - held - actor.scopes:
            raise NotAllowed(f"You cannot give scopes that you lack: {', '.join(sorted(lacking))}.")


def _require_rights(actor: Principal, user_id: int, update: UserUpdate) -> None:
    staff_fields = [field for field in STAFF_FIELDS if field in update.changed_fields]
    for field in staff_fields:
        actor.require_scope(STAFF_FIELDS[field])
    if not staff_fields or update.changed_fields.difference(staff_fields):
        actor.require_writing(user_id, CUSTOMERS_WRITE)
    if RIGHTS.intersection(staff_fields):
        actor.require_other(user_id, OWN_RIGHTS)
    if update.gives_access:
        actor.require_recent_authentication()


def _entries(actor: Principal, user: User, before: Mapping[str, Any], changes: Mapping[str, Any]) -> list[AuditEntry]:
    """Return the audit entries of the changes, each with the fields of its action."""
    fields: dict[str, list[str]] = {}
    for name in changes:
        fields.setdefault(_action(name, before.get(name), changes[name]), []).append(name)
    return [
        AuditEntry(actor, action, "user", user.pk, _chosen(before, names), _chosen(changes, names))
        for action, names in (fields or {UPDATED: []}).items()
    ]


def _changed(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in changes.items() if before.get(name) != value}


def _chosen(values: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: values[name] for name in names}


def _action(name: str, before: Any, after: Any) -> str:
    """Return the audit action of a changed field: what staff look for has an action of its own."""
    if before == after or name not in {"is_active", PLAN_ID}:
        return UPDATED
    if name == PLAN_ID:
        return "user.plan_changed"
    return "user.reactivated" if after else "user.suspended"


def _ends_sessions(user: User, changes: Mapping[str, Any]) -> bool:
    """Return whether the owner has to sign in again: the account is suspended, or no longer belongs to staff."""
    return changes.get("is_active") is False or (user.is_staff and changes.get("is_staff") is False)
