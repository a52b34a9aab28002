"""Locks accounts and writes what signing in, keys and erasure change of them."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import Now

from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import fetch_all
from apps.core.database.orm.writes import update
from apps.core.errors import NotFound
from apps.users.models import Role, RoleScope, User


class AccountRepository:
    """The rows of accounts that are not deleted."""

    async def lock(self, user_id: int) -> User:
        """Lock the account and return it with its plan; raises NotFound."""
        user = await _account.lock(user_id)
        if user is None:
            raise NotFound
        return user

    async def lock_by_email(self, email: str) -> User | None:
        """Lock the account with this address and return it with its plan, or None."""
        return await _account_of_email.lock(email)

    async def find_with_role_scopes(self, user_id: int) -> User | None:
        """Return the account with the scopes that its roles give as `role_scopes`, or None."""
        return await _account_with_role_scopes.first(user_id)

    async def note_login(self, user_id: int) -> None:
        """Store the moment of a sign-in."""
        await update(User.objects.filter(pk=user_id), last_login=Now())

    async def set_password(self, user_id: int, password_hash: str) -> None:
        """Store a password's hash."""
        await update(User.objects.filter(pk=user_id), password=password_hash)

    async def find(self, user_id: int) -> User | None:
        """Return the account, or None."""
        return await _account.first(user_id)

    async def find_by_email(self, email: str) -> User | None:
        """Return the account with this canonical address, or None."""
        return await _account_of_email.first(email)

    async def end_sessions(self, user_id: int) -> None:
        """Let no session count that has begun before now."""
        await update(User.objects.filter(pk=user_id), sessions_ended_at=Now())

    async def end_authentications(self, user_id: int) -> None:
        """Let no authentication count as recent that is older than now."""
        await update(User.objects.filter(pk=user_id), proofs_ended_at=Now())

    async def mark_email_verified(self, user_id: int) -> None:
        """Store that the address is verified, unless it was."""
        await update(User.objects.filter(pk=user_id, email_verified_at=None), email_verified_at=Now())

    async def role_names_giving(self, scope: str) -> list[str]:
        """Return the names of the roles that give the scope, in order."""
        return [role.name for role in await fetch_all(Role.objects.filter(scopes__scope=scope).order_by("name"))]


@prepared
def _account(user_id: int) -> QuerySet[User]:
    return User.objects.filter(pk=user_id, deleted_at=None).select_related("plan")


@prepared
def _account_of_email(email: str) -> QuerySet[User]:
    return User.objects.with_email(email).filter(deleted_at=None).select_related("plan")


@prepared
def _account_with_role_scopes(user_id: int) -> QuerySet[User]:
    given = RoleScope.objects.filter(role__user=OuterRef("pk")).values("scope")
    return User.objects.filter(pk=user_id, deleted_at=None).annotate(role_scopes=ArraySubquery(given))
