"""Reads, inserts and updates accounts."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any, override

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Collate, Lower, Now
from django.db.models.lookups import Exact

from apps.core.database.database_errors import ConstraintViolated
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import count, exists, fetch_after, fetch_all, search_after, search_page
from apps.core.database.orm.writes import check_constraints, insert_if_free, update
from apps.core.errors import Conflict, ErrorDetail, NotFound, ValidationFailed
from apps.core.values.email_addresses import canonical_email
from apps.core.values.look_ups import search_spellings
from apps.users.models import AccountNote, Role, User
from apps.users.repositories.account_repository import AccountRepository

EMAIL_TAKEN = ErrorDetail("email", "An account with this e-mail address exists.")
USERNAME_TAKEN = ErrorDetail("username", "An account with this user name exists.")
SEARCHED_MAXIMUM = 10_000  # what a search counts: nobody reads on so far
TAKEN = {"users_email_unique": EMAIL_TAKEN, "users_username_unique": USERNAME_TAKEN}


class UserRepository(AccountRepository):
    """The rows of accounts that are not deleted. `get` and `page` return them with their plan and `role_names`."""

    async def get(self, user_id: int) -> User:
        """Return the account; raises NotFound."""
        user = await _user.first(user_id)
        if user is None:
            raise NotFound
        return user

    async def get_even_deleted(self, user_id: int) -> User:
        """Return the account, deleted or not, with its plan, `role_names` and `notes_total`; raises NotFound."""
        user = await _user_or_deleted.first(user_id)
        if user is None:
            raise NotFound
        return user

    @override
    async def find_by_email(self, email: str) -> User | None:
        return await _user_of_email.first(canonical_email(email))

    async def page(
        self, *, offset: int, size: int, search: str | None, is_active: bool | None, only_id: int | None
    ) -> tuple[list[User], int]:
        """Return one page of accounts in order of id, and how many there are: of a search, up to SEARCHED_MAXIMUM."""
        found = _matching(search, is_active, only_id)
        if search:
            return await search_page(_as_shown(found), offset=offset, size=size, total_maximum=SEARCHED_MAXIMUM)
        # The ids of the rows before the page are read from an index, without the rows.
        ids = found[offset : offset + size].values("pk")
        return await fetch_all(_as_shown(User.objects.filter(pk__in=ids).order_by("id"))), await count(found)

    async def after(
        self, position: int, maximum: int, *, search: str | None, is_active: bool | None, only_id: int | None
    ) -> list[User]:
        """Return up to `maximum` accounts that follow a position, in order of id."""
        found = _as_shown(_matching(search, is_active, only_id))
        return await (search_after if search else fetch_after)(found, position, maximum)

    async def default_plan_id(self) -> int:
        """Return the id of the plan that new accounts get."""
        plan = await _default_plan.first()
        if plan is None:
            raise LookupError("The default plan does not exist.")
        return int(plan.pk)

    async def insert(self, user: User, *, is_verified: bool) -> None:
        """Insert an account; raises Conflict when its address or user name is taken."""
        while not await self.insert_if_free(user, is_verified=is_verified):
            await require_free(user, {"email": user.email, "username": user.username})

    async def insert_if_free(self, user: User, *, is_verified: bool) -> bool:
        """Insert an account unless its address or user name is taken, and return whether it was inserted."""
        user.email_verified_at = Now() if is_verified else None
        return await insert_if_free(user)

    async def update(self, user: User, columns: Mapping[str, Any], *, ends_sessions: bool = False) -> None:
        """Change columns of a locked account; with `ends_sessions`, end all its sessions.

        Raises Conflict when its address or user name is taken, ValidationFailed when its plan has just been deleted.
        """
        ended = {"sessions_ended_at": Now()} if ends_sessions else {}
        await require_free(user, columns)
        await update_free(user, {**columns, **ended})
        if "plan_id" in columns:
            await require_plan()


@prepared
def _user(user_id: int) -> QuerySet[User]:
    return _as_shown(User.objects.filter(pk=user_id))


@prepared
def _user_of_email(email: str) -> QuerySet[User]:
    return User.objects.with_email(email).filter(deleted_at=None).select_related("plan")


@prepared
def _default_plan() -> QuerySet[Any]:
    return User.objects.default_plan()


@prepared
def _user_or_deleted(user_id: int) -> QuerySet[User]:
    notes = AccountNote.objects.filter(user=OuterRef("pk")).order_by().values("user").annotate(total=Count("*"))
    total = Coalesce(Subquery(notes.values("total")), 0)
    return _with_plan_and_roles(User.objects.filter(pk=user_id)).annotate(notes_total=total)


def _as_shown(users: QuerySet[User]) -> QuerySet[User]:
    return _with_plan_and_roles(users.filter(deleted_at=None))


def _with_plan_and_roles(users: QuerySet[User]) -> QuerySet[User]:
    roles = Role.objects.filter(user=OuterRef("pk")).values("name")
    return users.select_related("plan").annotate(role_names=ArraySubquery(roles))


def _matching(search: str | None, is_active: bool | None, only_id: int | None) -> QuerySet[User]:
    found = User.objects.filter(deleted_at=None).order_by("id")
    if search:
        found = found.filter(reduce(or_, map(_contains, search_spellings(search)), Q()))
    if is_active is not None:
        found = found.filter(is_active=is_active)
    return found if only_id is None else found.filter(pk=only_id)


def _contains(text: str) -> Q:
    return Q(email__icontains=text) | Q(username__icontains=text) | Q(full_name__icontains=text)


async def require_free(user: User, columns: Mapping[str, Any]) -> None:
    """Raise Conflict when another account has the address or the user name among these columns.

    PostgreSQL's log repeats the values of an insert or update that it refuses, so taken names are looked up before. Of
    concurrent transactions that take the same name, the unique indexes still refuse all but one.
    """
    others = User.objects.filter(deleted_at=None).exclude(pk=user.pk)
    for taken in (EMAIL_TAKEN, USERNAME_TAKEN):
        if taken.field in columns and await exists(others.filter(_is_named(taken.field, columns[taken.field]))):
            raise Conflict(taken.message, details=[taken])


def _is_named(field: str, name: str) -> Q:
    return Q(Exact(Lower(field), Lower(Collate(Value(name), "C"))))


async def update_free(user: User, columns: Mapping[str, Any]) -> None:
    """Change columns of a locked account; raises Conflict when a concurrent transaction has taken the name."""
    try:
        await update(User.objects.filter(pk=user.pk), **columns)
    except ConstraintViolated as error:
        taken = TAKEN.get(error.constraint)
        if taken is None:
            raise
        raise Conflict(taken.message, details=[taken]) from error


async def require_plan() -> None:
    """Check the foreign key to the plan now instead of at the commit; raises ValidationFailed if it was deleted."""
    try:
        await check_constraints()
    except ConstraintViolated as error:
        raise ValidationFailed.of("plan", "No plan has this name.") from error
