"""Reads and writes accounts."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.core.database.prepared_query import prepared
from apps.core.database.queries import count, fetch_all
from apps.core.database.transactions import run_in_transaction, violated_constraint
from apps.core.errors import Conflict, ErrorDetail, NotFound, ValidationFailed
from apps.core.security.audit_entry import AuditEntry, RecordAudit
from apps.users.models import User

# Raises when the change may not be made to this account; called with the row locked.
Guard = Callable[[User], None]
TAKEN = {
    "users_email_unique": ErrorDetail("email", "This e-mail address is taken."),
    "users_username_unique": ErrorDetail("username", "This user name is taken."),
}


class UserRepository:
    """The accounts' rows. Deleted accounts are as good as absent here."""

    def __init__(self, record_audit: RecordAudit) -> None:
        self._record_audit = record_audit

    async def find(self, user_id: int) -> User | None:
        """Return the account, or None."""
        return await _user.first(user_id)

    async def find_by_email(self, email: str) -> User | None:
        """Return the account with this address, without regard to case, or None."""
        return await _user_of_email.first(email)

    async def page(
        self, *, offset: int, size: int, search: str | None, is_active: bool | None, only_id: int | None
    ) -> tuple[list[User], int]:
        """Return one page of accounts in order of id, and how many there are in all."""
        found = _matching(search, is_active, only_id)
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def create(self, fields: Mapping[str, Any], password_hash: str, audit: AuditEntry) -> User:
        """Insert an account; raises Conflict when its address or user name is taken."""
        return await run_in_transaction(self._create, fields, password_hash, audit)

    def create_verified(self, fields: Mapping[str, Any], username_start: str, audit: AuditEntry) -> int:
        """Insert an account without a password, of a verified address, and return its id.

        In the transaction open on this thread. The user name is what it begins with and, where this is taken, a random
        end. Raises Conflict when the address is taken.
        """
        user = User.objects.new(**fields, username=username_start, email_verified_at=Now())
        user.set_unusable_password()
        while not _is_saved(user):
            user.username = f"{username_start}-{secrets.token_hex(3)}"
        self._record_audit(replace(audit, actor=replace(audit.actor, user_id=user.pk), target_id=user.pk))
        return user.pk

    async def update(self, user_id: int, changes: Mapping[str, Any], audit: AuditEntry, guard: Guard) -> User:
        """Change the account; raises NotFound, Conflict, or what `guard` raises."""
        return await run_in_transaction(self._update, user_id, changes, audit, guard)

    def lock(self, user_id: int) -> User:
        """Return the account, locked until the transaction open on this thread ends; raises NotFound."""
        user = _living().select_for_update(of=("self",)).filter(pk=user_id).first()
        if user is None:
            raise NotFound
        return user

    def set_password(self, user_id: int, password_hash: str) -> None:
        """Store a new hash in the transaction open on this thread; raises NotFound."""
        user = self.lock(user_id)
        user.password = password_hash
        user.save(update_fields=["password", "updated_at"])

    def note_login(self, user_id: int, guard: Guard) -> None:
        """Store the moment of a sign-in in the transaction open on this thread; raises NotFound, or as `guard`."""
        user = self.lock(user_id)
        guard(user)
        User.objects.filter(pk=user_id).update(last_login=Now())

    def end_sessions(self, user_id: int) -> None:
        """Let no session count that has begun, in the transaction open on this thread."""
        User.objects.filter(pk=user_id).update(sessions_ended_at=Now())

    def _create(self, fields: Mapping[str, Any], password_hash: str, audit: AuditEntry) -> User:
        user = User.objects.new(**fields)
        user.password = password_hash
        _save(user)
        actor = audit.actor if audit.actor.user_id else replace(audit.actor, user_id=user.pk)
        self._record_audit(replace(audit, actor=actor, target_id=user.pk))
        return _living().get(pk=user.pk)

    def _update(self, user_id: int, changes: Mapping[str, Any], audit: AuditEntry, guard: Guard) -> User:
        user = self.lock(user_id)
        guard(user)
        before = {name: getattr(user, name) for name in changes}
        written = {**changes, **_consequences(user, changes)}
        for name, value in written.items():
            setattr(user, name, value)
        _save(user, update_fields=[*written, "updated_at"])
        if "plan_id" in changes:
            _require_plan()
        self._record_audit(replace(audit, target_id=user_id, before=before, after=changes))
        return User.objects.select_related("plan").get(pk=user_id)


@prepared
def _user(user_id: int) -> QuerySet[User]:
    return _living().filter(pk=user_id)


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


def _matching(search: str | None, is_active: bool | None, only_id: int | None) -> QuerySet[User]:
    found = _living().order_by("id")
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


def _is_saved(user: User) -> bool:
    """Insert the account unless its user name is taken, and leave the transaction good in either case."""
    try:
        with transaction.atomic():
            _save(user)
    except Conflict as refusal:
        if TAKEN["users_username_unique"] not in refusal.details:
            raise
        return False
    return True


def _save(user: User, **options: Any) -> None:
    try:
        user.save(**options)
    except IntegrityError as error:
        taken = TAKEN.get(violated_constraint(error))
        if taken is None:
            raise
        raise Conflict(taken.message, details=[taken]) from error
