"""Reads and writes roles, and who has them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import Permission
from django.db import IntegrityError
from django.db.models import Q, QuerySet

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.database.orm.queries import count, fetch_all, fetch_one
from apps.core.database.transactions import run_in_transaction, violated_constraint
from apps.core.errors import Conflict, ErrorDetail, NotFound, ValidationFailed
from apps.users.models import Role, RoleScope, User

NAME_UNIQUE = "auth_group_name_key"
NAME_TAKEN = ErrorDetail("name", "There is a role of this name already.")
IN_USE = "Accounts have this role; take it from them first, or take its scopes and permissions away."
FIELDS = ("name", "scopes", "permissions")
Membership: type[Any] = User.groups.through  # Django makes it, so nothing says of which type it is


class RoleRepository:
    """The roles' rows: Django's groups, with the scopes they give.

    Lock order: accounts before roles, roles in order of id. What a role gives, and who has it, changes only while its
    row is locked; for who has it, the account's row too.
    """

    def __init__(self, record_audit: RecordAudit) -> None:
        self._record_audit = record_audit

    async def find(self, role_id: int) -> Role | None:
        """Return the role, or None."""
        return await fetch_one(Role.objects.with_what_they_give().filter(pk=role_id))

    async def page(self, *, offset: int, size: int) -> tuple[list[Role], int]:
        """Return one page of roles in order of id, and how many there are in all."""
        roles = Role.objects.with_what_they_give().order_by("id")
        return await fetch_all(roles[offset : offset + size]), await count(roles)

    async def create(self, fields: Mapping[str, Any], audit: AuditEntry) -> Role:
        """Insert a role; raises Conflict when its name is taken, ValidationFailed for an unknown permission."""
        return await run_in_transaction(self._create, fields, audit)

    async def update(self, role_id: int, changes: Mapping[str, Any], audit: AuditEntry) -> Role:
        """Change the role; raises NotFound, and what `create` raises."""
        return await run_in_transaction(self._update, role_id, changes, audit)

    async def delete(self, role_id: int, audit: AuditEntry) -> None:
        """Delete the role; raises NotFound, Conflict when accounts have it that are not deleted."""
        await run_in_transaction(self._delete, role_id, audit)

    def assign(self, user_id: int, names: Sequence[str]) -> list[str]:
        """Give the account these roles and no others, and return those it had.

        In the transaction open on this thread, with the account locked. Raises ValidationFailed for an unknown role.
        """
        had = list(Membership.objects.filter(user_id=user_id).values_list("group_id", flat=True))
        locked = {role.pk: role.name for role in _lock(Q(name__in=names) | Q(pk__in=had))}
        if unknown := set(names).difference(locked.values()):
            raise ValidationFailed.of("roles", f"There is no role {', '.join(sorted(unknown))}.")
        wanted = {pk for pk, name in locked.items() if name in names}
        Membership.objects.filter(user_id=user_id).exclude(group_id__in=wanted).delete()
        Membership.objects.bulk_create(Membership(user_id=user_id, group_id=pk) for pk in sorted(wanted - set(had)))
        return sorted(locked[pk] for pk in had)

    def scopes_given_to(self, user_id: int) -> list[str]:
        """Return what the account's roles give at this moment, in the transaction open on this thread."""
        return list(RoleScope.objects.filter(role__user=user_id).values_list("scope", flat=True))

    def names_giving(self, scope: str) -> list[str]:
        """Return the roles that give the scope, in the transaction open on this thread."""
        return list(Role.objects.filter(scopes__scope=scope).order_by("name").values_list("name", flat=True))

    def _create(self, fields: Mapping[str, Any], audit: AuditEntry) -> Role:
        role = Role(name=fields["name"])
        _save(role)
        _give(role, fields)
        self._record_audit(replace(audit, target_id=role.pk, after=fields))
        return _shown(role.pk)

    def _update(self, role_id: int, changes: Mapping[str, Any], audit: AuditEntry) -> Role:
        role = _only(_lock(Q(pk=role_id)))
        before = _values(role, changes)
        role.name = changes.get("name", role.name)
        _save(role)
        _give(role, changes)
        self._record_audit(replace(audit, target_id=role_id, before=before, after=_values(role, changes)))
        return _shown(role_id)

    def _delete(self, role_id: int, audit: AuditEntry) -> None:
        # Whoever gives the role to an account meanwhile waits for this lock, or this for them.
        role = _only(Role.objects.select_for_update(of=("self",)).filter(pk=role_id))
        members = Membership.objects.filter(group_id=role_id)
        if members.filter(user__deleted_at=None).exists():
            raise Conflict(IN_USE, code="ROLE_IN_USE")
        self._record_audit(replace(audit, target_id=role_id, before=_values(role, FIELDS)))
        members.delete()
        role.delete()


def _shown(role_id: int) -> Role:
    return Role.objects.with_what_they_give().get(pk=role_id)


def _values(role: Role, names: Iterable[str]) -> dict[str, Any]:
    shown: Any = _shown(role.pk)
    values = {"name": shown.name, "scopes": shown.scope_names, "permissions": shown.permission_names}
    return {name: values[name] for name in names}


def _lock(which: Q) -> QuerySet[Role]:
    return Role.objects.filter(which).order_by("id").select_for_update(of=("self",), no_key=True)


def _only(roles: QuerySet[Role]) -> Role:
    role = roles.first()
    if role is None:
        raise NotFound
    return role


def _save(role: Role) -> None:
    try:
        role.save()
    except IntegrityError as error:
        if violated_constraint(error) != NAME_UNIQUE:
            raise
        raise Conflict(NAME_TAKEN.message, details=[NAME_TAKEN]) from error


def _give(role: Role, fields: Mapping[str, Any]) -> None:
    if "scopes" in fields:
        given = RoleScope.objects.filter(role=role)
        given.exclude(scope__in=fields["scopes"]).delete()
        rows = [RoleScope(role=role, scope=scope) for scope in fields["scopes"]]
        RoleScope.objects.bulk_create(rows, ignore_conflicts=True)
    if "permissions" in fields:
        role.permissions.set(_permissions(fields["permissions"]))


def _permissions(names: Sequence[str]) -> list[Permission]:
    found = {row.full_name: row for row in Role.objects.grantable_permissions().filter(full_name__in=names)}
    if unknown := [name for name in names if name not in found]:
        raise ValidationFailed.of("permissions", f"There is no permission {', '.join(unknown)}.")
    return list(found.values())
