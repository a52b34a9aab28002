"""Reads and writes accounts."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import IntegrityError, connection, transaction
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import Now

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.authorization.scopes import held_scopes
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import count, fetch_all
from apps.core.database.transactions import run_in_transaction, violated_constraint
from apps.core.errors import Conflict, ErrorDetail, NotFound, ValidationFailed
from apps.core.values.email_addresses import canonical_email
from apps.users.models import Role, RoleScope, User
from apps.users.repositories.role_repository import RoleRepository

# Does what a new account entails, in the transaction that makes it; called with its id and its address.
OnCreated = Callable[[int, str], None]
ROLES = "roles"
# Raises when the change may not be made to this account; called with the row locked.
Guard = Callable[[User], None]
# Does what a change entails, in its transaction; called with the changed row, and what the changed fields held before.
AfterUpdate = Callable[[User, Mapping[str, Any]], None]
TAKEN = {
    "users_email_unique": ErrorDetail("email", "This e-mail address is taken."),
    "users_username_unique": ErrorDetail("username", "This user name is taken."),
}


class OldUserRepository:
    """The accounts' rows. Deleted accounts are as good as absent here."""

    def __init__(self, record_audit: RecordAudit, roles: RoleRepository, on_created: OnCreated) -> None:
        self._record_audit = record_audit
        self._roles = roles
        self._on_created = on_created

    async def find(self, user_id: int) -> User | None:
        """Return the account with the names of its roles, or None."""
        return await _user.first(user_id)

    async def find_holder(self, user_id: int) -> User | None:
        """Return the account with the scopes that its roles give, or None."""
        return await _holder.first(user_id)

    async def find_by_email(self, email: str) -> User | None:
        """Return the account with this address, in whatever form, or None."""
        return await _user_of_email.first(canonical_email(email))

    async def page(
        self, *, offset: int, size: int, search: str | None, is_active: bool | None, only_id: int | None
    ) -> tuple[list[User], int]:
        """Return one page of accounts in order of id, and how many there are in all."""
        found = _matching(search, is_active, only_id)
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def create(self, fields: Mapping[str, Any], password_hash: str, audit: AuditEntry) -> User:
        """Insert an account; raises Conflict when its address or user name is taken."""
        return await run_in_transaction(self._create, fields, password_hash, audit)

    def add(
        self, fields: Mapping[str, Any], password_hash: str | None, audit: AuditEntry, *, is_verified: bool = False
    ) -> User:
        """Insert an account, without a password where there is no hash, in the transaction open on this thread.

        Raises Conflict when its address or user name is taken.
        """
        user = _new(fields, password_hash, is_verified=is_verified)
        saved(user)
        return self._added(user, audit)

    def add_verified(self, fields: Mapping[str, Any], password_hash: str | None, audit: AuditEntry) -> User:
        """Insert an account of a verified address as `add` does; a user name that is taken gets a random end."""
        user = _new(fields, password_hash, is_verified=True)
        while not _is_saved(user):
            user.username = f"{fields['username']}-{secrets.token_hex(3)}"
        return self._added(user, audit)

    async def update(
        self,
        user_id: int,
        changes: Mapping[str, Any],
        audit: AuditEntry,
        guard: Guard,
        after: AfterUpdate | None = None,
    ) -> User:
        """Change the account, and do what comes after; raises NotFound, Conflict, ValidationFailed, or as those do."""
        return await run_in_transaction(self._update, user_id, changes, audit, guard, after)

    def lock(self, user_id: int) -> User:
        """Return the account, locked until the transaction open on this thread ends; raises NotFound."""
        user = _living().select_for_update(of=("self",)).filter(pk=user_id).first()
        if user is None:
            raise NotFound
        return user

    def lock_by_email(self, email: str) -> User | None:
        """Return the account with this address, locked until the transaction open on this thread ends, or None."""
        found = User.objects.with_email(email).filter(deleted_at=None).select_related("plan")
        return found.select_for_update(of=("self",)).first()

    def held_scopes(self, user_id: int) -> frozenset[str]:
        """Return what the account holds at this moment, in the transaction open on this thread.

        A deleted one holds nothing.
        """
        user = _living().filter(pk=user_id).first()
        given = self._roles.scopes_given_to(user_id)
        return held_scopes(given, is_staff=user.is_staff) if user else frozenset()

    def names_giving(self, scope: str) -> list[str]:
        """Return the roles that give the scope, in the transaction open on this thread."""
        return self._roles.names_giving(scope)

    def set_password(self, user_id: int, password_hash: str, guard: Guard) -> None:
        """Store a new hash in the transaction open on this thread; raises NotFound, or as `guard`."""
        user = self.lock(user_id)
        guard(user)
        user.password = password_hash
        user.save(update_fields=["password", "updated_at"])

    def mark_verified(self, user_id: int) -> None:
        """Store that the address is verified, in the transaction open on this thread."""
        User.objects.filter(pk=user_id, email_verified_at=None).update(email_verified_at=Now(), updated_at=Now())

    def note_login(self, user_id: int, guard: Guard) -> bool:
        """Store the moment of a sign-in in the transaction open on this thread, and return whether it is not the first.

        Raises NotFound, or as `guard`.
        """
        user = self.lock(user_id)
        guard(user)
        User.objects.filter(pk=user_id).update(last_login=Now())
        return user.last_login is not None

    def end_sessions(self, user_id: int) -> None:
        """Let no session count that has begun, in the transaction open on this thread."""
        User.objects.filter(pk=user_id).update(sessions_ended_at=Now())

    def end_proofs(self, user_id: int) -> None:
        """Let no proof count as recent that sessions have given so far, in the transaction open on this thread."""
        User.objects.filter(pk=user_id).update(proofs_ended_at=Now())

    def _create(self, fields: Mapping[str, Any], password_hash: str, audit: AuditEntry) -> User:
        user = self.add(fields, password_hash, audit)
        self._on_created(user.pk, user.email)
        return user

    def _added(self, user: User, audit: AuditEntry) -> User:
        actor = audit.actor if audit.actor.user_id else replace(audit.actor, user_id=user.pk)
        self._record_audit(replace(audit, actor=actor, target_id=user.pk))
        return as_shown(_living()).get(pk=user.pk)

    def _update(
        self,
        user_id: int,
        changes: Mapping[str, Any],
        audit: AuditEntry,
        guard: Guard,
        after: AfterUpdate | None,
    ) -> User:
        user = self.lock(user_id)
        guard(user)
        before = {name: getattr(user, name) for name in changes if name != ROLES}
        if ROLES in changes:
            before[ROLES] = self._roles.assign(user_id, changes[ROLES])
        if changes or after is None:
            self._write(user, changes, replace(audit, target_id=user_id, before=before, after=changes))
        if after is not None:
            after(user, before)
        return as_shown(User.objects.select_related("plan")).get(pk=user_id)

    def _write(self, user: User, changes: Mapping[str, Any], audit: AuditEntry) -> None:
        columns = {name: value for name, value in changes.items() if name != ROLES}
        written = {**columns, **_consequences(user, columns)}
        for name, value in written.items():
            setattr(user, name, value)
        saved(user, update_fields=[*written, "updated_at"])
        if "plan_id" in changes:
            _require_plan()
        self._record_audit(audit)


@prepared
def _user(user_id: int) -> QuerySet[User]:
    return as_shown(_living()).filter(pk=user_id)


@prepared
def _holder(user_id: int) -> QuerySet[User]:
    given = RoleScope.objects.filter(role__user=OuterRef("pk")).values("scope")
    return User.objects.filter(pk=user_id, deleted_at=None).annotate(role_scopes=ArraySubquery(given))


@prepared
def _user_of_email(email: str) -> QuerySet[User]:
    return User.objects.with_email(email).filter(deleted_at=None).select_related("plan")


def _consequences(user: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a change entails: a new address is not verified; who is shut out, or is staff no more, signs in anew."""
    entailed: dict[str, Any] = {}
    if changes.get("email", user.email).lower() != user.email.lower():
        entailed["email_verified_at"] = None
    loses_staff = user.is_staff and changes.get("is_staff") is False
    if changes.get("is_active") is False or loses_staff:
        entailed["sessions_ended_at"] = Now()
    return entailed


def _living() -> QuerySet[User]:
    return User.objects.filter(deleted_at=None).select_related("plan")


def as_shown(users: QuerySet[User]) -> QuerySet[User]:
    """Add what is shown of an account beside its row: the names of its roles."""
    roles = Role.objects.filter(user=OuterRef("pk")).values("name")
    return users.annotate(role_names=ArraySubquery(roles))


def _matching(search: str | None, is_active: bool | None, only_id: int | None) -> QuerySet[User]:
    found = as_shown(_living()).order_by("id")
    if search:
        found = found.filter(
            Q(email__icontains=search) | Q(username__icontains=search) | Q(full_name__icontains=search)
        )
    if is_active is not None:
        found = found.filter(is_active=is_active)
    return found if only_id is None else found.filter(pk=only_id)


def _require_plan() -> None:
    """Raise ValidationFailed if the plan was deleted after its name was read; the key is else checked at the commit."""
    try:
        connection.check_constraints()
    except IntegrityError as error:
        raise ValidationFailed.of("plan", "There is no plan of this name.") from error


def _new(fields: Mapping[str, Any], password_hash: str | None, *, is_verified: bool) -> User:
    user = User.objects.new(**fields, email_verified_at=Now() if is_verified else None)
    if password_hash is None:
        user.set_unusable_password()
    else:
        user.password = password_hash
    return user


def _is_saved(user: User) -> bool:
    """Insert the account unless its user name is taken, and leave the transaction good in either case."""
    try:
        with transaction.atomic():
            saved(user)
    except Conflict as refusal:
        if TAKEN["users_username_unique"] not in refusal.details:
            raise
        return False
    return True


def saved(user: User, **options: Any) -> None:
    """Save the account; raises Conflict when its address or user name is taken."""
    try:
        user.save(**options)
    except IntegrityError as error:
        taken = TAKEN.get(violated_constraint(error))
        if taken is None:
            raise
        raise Conflict(taken.message, details=[taken]) from error
