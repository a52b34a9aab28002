"""Locks accounts, and writes the columns that sign-ins change."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import fetch_all, fetch_one, lock_all
from apps.core.database.orm.writes import update
from apps.core.database.statements import fetch_rows
from apps.core.errors import NotFound
from apps.core.values.email_addresses import canonical_email
from apps.users.models import OF_STAFF, Role, RoleScope, User

# The case is folded as in the unique index.
LOCK_ADDRESS = """SELECT pg_advisory_xact_lock(hashtextextended('users ' || lower(%s::text COLLATE "C"), 0))"""
STAFF_MAXIMUM = 1000
UNTOUCHED = {"updated_at": F("updated_at")}  # signing in and out does not change the account


class AccountRepository:
    """The rows of accounts that are not deleted.

    Locking queries do not join the plan: after waiting for a lock, PostgreSQL joins the account with its former plan,
    and finds no row if the plan has changed meanwhile.
    """

    async def find(self, user_id: int) -> User | None:
        """Return the account, or None."""
        return await _account.first(user_id)

    async def find_by_email(self, email: str) -> User | None:
        """Return the account with this address in any spelling, or None."""
        return await _account_of_email.first(canonical_email(email))

    async def lock(self, user_id: int) -> User:
        """Lock the account and return it; raises NotFound."""
        user = await _account.lock(user_id)
        if user is None:
            raise NotFound
        return user

    async def lock_even_deleted(self, user_id: int) -> User:
        """Lock the account, deleted or not, and return it; raises NotFound."""
        user = await _account_or_deleted.lock(user_id)
        if user is None:
            raise NotFound
        return user

    async def lock_with(self, user_id: int, other_id: int | None) -> tuple[User, User | None]:
        """Lock two accounts in order of id and return them; raises NotFound for the first. The other may be missing."""
        found = {user.pk: user for user in await lock_all(_accounts([user_id, other_id or user_id]))}
        if user_id not in found:
            raise NotFound
        return found[user_id], None if other_id is None else found.get(other_id)

    async def lock_address(self, email: str) -> None:
        """Lock the address, whether or not an account has it, until the transaction ends. Lock no account before.

        For callers who must not learn whether there is an account: a lock of its row alone would make concurrent
        requests wait for each other only where there is one.
        """
        await fetch_rows(LOCK_ADDRESS, [email])

    async def lock_by_email(self, email: str) -> User | None:
        """Lock the account with this address in any spelling and return it, or None."""
        return await _account_of_email.lock(canonical_email(email))

    async def lock_with_key_allowance(self, user_id: int) -> User:
        """Lock the account and return it with its plan's `api_keys_maximum`; raises NotFound."""
        user = await _account_with_key_allowance.lock(user_id)
        if user is None:
            raise NotFound
        return user

    async def find_with_role_scopes(self, user_id: int) -> User | None:
        """Return the account with the scopes of its roles as `role_scopes`, or None.

        Of its columns, only those that decide on the scopes that it holds.
        """
        return await _account_with_role_scopes.first(user_id)

    async def find_now(self, user_id: int) -> tuple[User, datetime]:
        """Return the account, deleted or not, and the time by the database's clock; raises NotFound."""
        user = await _account_now.first(user_id)
        if user is None:
            raise NotFound
        return user, vars(user)["now"]

    async def role_scopes(self, user_id: int) -> list[str]:
        """Return the scopes that the account's roles give, also of a deleted account."""
        return [given.scope for given in await _role_scopes.all(user_id)]

    async def role_names_with_scope(self, scope: str) -> list[str]:
        """Return the names of the roles with the scope, in order."""
        return [role.name for role in await fetch_all(Role.objects.filter(scopes__scope=scope).order_by("name"))]

    async def find_staff_with_scope(self, user_id: int, scope: str) -> User | None:
        """Return the account if it is of active staff who hold the scope, or None."""
        return await fetch_one(_staff_with_scope(scope).filter(pk=user_id))

    async def staff_with_scope(self, scope: str, without: Sequence[int], maximum: int) -> list[User]:
        """Return up to `maximum` accounts of active staff who hold the scope, superusers last, except `without`.

        Of the newest STAFF_MAXIMUM members of staff. One statement with all conditions would read all customers: before
        it has statistics, PostgreSQL does not know that staff are few.
        """
        staff = await fetch_all(User.objects.filter(OF_STAFF).order_by("-pk")[:STAFF_MAXIMUM])
        members = await self._members_with_scope(scope, [user.pk for user in staff])
        found = [
            user
            for user in staff
            if _is_active_staff(user) and (user.is_superuser or user.pk in members) and user.pk not in without
        ]
        return sorted(found, key=lambda user: (user.is_superuser, user.pk))[:maximum]

    async def _members_with_scope(self, scope: str, user_ids: list[int]) -> set[int]:
        memberships: Any = User.groups.through
        found = memberships._base_manager.filter(group__scopes__scope=scope, user_id__in=user_ids)
        return {membership.user_id for membership in await fetch_all(found)}

    async def record_login(self, user_id: int) -> None:
        """Store the time of a sign-in."""
        await update(User.objects.filter(pk=user_id), last_login=Now(), **UNTOUCHED)

    async def lift_lock(self, user_id: int) -> bool:
        """End the lock of a locked row's account and its API keys, and return whether there was one."""
        locked = User.objects.filter(pk=user_id, locked_until__gt=Now())
        return bool(await update(locked, locked_until=None, failed_login_attempts=0))

    async def set_password(self, user_id: int, password_hash: str) -> None:
        """Store the hash of a password."""
        await update(User.objects.filter(pk=user_id), password=password_hash)

    async def end_sessions(self, user_id: int) -> None:
        """End every session that has begun before now."""
        await update(User.objects.filter(pk=user_id), sessions_ended_at=Now(), **UNTOUCHED)

    async def end_authentications(self, user_id: int) -> None:
        """Store that earlier authentications no longer count as recent."""
        await update(User.objects.filter(pk=user_id), proofs_ended_at=Now(), **UNTOUCHED)

    async def mark_email_verified(self, user_id: int) -> None:
        """Store that the address is verified, unless it is already."""
        await update(User.objects.filter(pk=user_id, email_verified_at=None), email_verified_at=Now())


def _staff_with_scope(scope: str) -> QuerySet[User]:
    gives_it = RoleScope.objects.filter(role__user=OuterRef("pk"), scope=scope)
    staff = User.objects.filter(is_staff=True, is_active=True, deleted_at=None)
    return staff.filter(Q(is_superuser=True) | Exists(gives_it))


def _is_active_staff(user: User) -> bool:
    return user.is_staff and user.is_active and user.deleted_at is None


@prepared
def _account(user_id: int) -> QuerySet[User]:
    return User.objects.filter(pk=user_id, deleted_at=None)


@prepared
def _account_or_deleted(user_id: int) -> QuerySet[User]:
    return User.objects.filter(pk=user_id)


def _accounts(user_ids: list[int]) -> QuerySet[User]:
    return User.objects.filter(pk__in=user_ids, deleted_at=None)


@prepared
def _account_of_email(email: str) -> QuerySet[User]:
    return User.objects.with_email(email).filter(deleted_at=None)


@prepared
def _account_with_key_allowance(user_id: int) -> QuerySet[User]:
    plans: Any = User._meta.get_field("plan").related_model
    maximum = plans._base_manager.filter(pk=OuterRef("plan")).values("api_keys_maximum")
    return User.objects.filter(pk=user_id, deleted_at=None).annotate(api_keys_maximum=Subquery(maximum))


@prepared
def _account_now(user_id: int) -> QuerySet[User]:
    return User.objects.annotate(now=Now()).filter(pk=user_id)


@prepared
def _role_scopes(user_id: int) -> QuerySet[RoleScope]:
    return RoleScope.objects.filter(role__user=user_id).order_by("id")


@prepared
def _account_with_role_scopes(user_id: int) -> QuerySet[User]:
    given = RoleScope.objects.filter(role__user=OuterRef("pk")).values("scope")
    found = User.objects.filter(pk=user_id, deleted_at=None).only("is_staff", "is_superuser")
    return found.annotate(role_scopes=ArraySubquery(given))
