"""What may be done with accounts, and by whom."""

from functools import partial
from typing import Any

from django.utils import timezone

from apps.core.errors import NotAllowed, NotAuthenticated, NotFound
from apps.core.schemas.page import Page
from apps.core.security.audit_entry import AuditEntry
from apps.core.security.principal import Principal
from apps.plans.services.plan_service import PlanService
from apps.users.models import User
from apps.users.repositories.user_repository import UserRepository
from apps.users.schemas import UserAdministration, UserOut, UserQuery, UserUpdate
from apps.users.services.credentials import Credentials, is_usable, password_digest


class UserService:
    """Finds accounts, changes and deletes them."""

    def __init__(self, users: UserRepository, plans: PlanService) -> None:
        self._users = users
        self._plans = plans

    async def get(self, actor: Principal, user_id: int) -> UserOut:
        """Return the account; raises NotAllowed for another's, NotFound when there is none."""
        actor.require_reading(user_id)
        return UserOut.of(await self._existing(user_id))

    async def require(self, actor: Principal, user_id: int) -> None:
        """Raise NotFound unless the account exists, and NotAllowed unless the actor may see it."""
        await self.get(actor, user_id)

    async def require_changeable(self, actor: Principal, user_id: int) -> None:
        """Raise NotAllowed or InsufficientScopes unless the actor may change what belongs to the account."""
        actor.require_writing(user_id)
        user = await self._users.find(user_id) if user_id != actor.user_id else None
        if user is not None:
            _may_be_changed_by(actor)(user)

    async def id_of_email(self, email: str) -> int:
        """Return the id of the account with this address; raises NotFound."""
        user = await self._users.find_by_email(email)
        if user is None:
            raise NotFound("There is no account with this e-mail address.")
        return user.pk

    async def page(self, actor: Principal, query: UserQuery) -> Page[UserOut]:
        """Return the accounts the actor may see: all for staff, one's own for others."""
        rows, total = await self._users.page(
            offset=query.offset,
            size=query.size,
            search=query.search,
            is_active=query.is_active,
            only_id=None if actor.acts_as_staff else actor.user_id,
        )
        return Page[UserOut].of(rows, total, query, UserOut.of)

    async def update(self, actor: Principal, user_id: int, update: UserUpdate) -> UserOut:
        """Change the account; raises NotAllowed, NotFound, ValidationFailed (unknown plan), Conflict (taken)."""
        actor.require_writing(user_id)
        if update.needs_staff:
            actor.require_staff()
        if isinstance(update, UserAdministration) and update.needs_superuser:
            actor.require_superuser()
        changes: dict[str, Any] = {name: getattr(update, name) for name in update.model_fields_set}
        if "plan" in changes:
            changes["plan_id"] = await self._plans.id_of(changes.pop("plan"))
        audit = AuditEntry(actor, "user.updated", "user")
        return UserOut.of(await self._users.update(user_id, changes, audit, _may_be_changed_by(actor)))

    async def delete(self, actor: Principal, user_id: int) -> None:
        """Delete the account softly: its credentials stop at once, its history stays."""
        actor.require_writing(user_id)
        changes = {"deleted_at": timezone.now(), "is_active": False}
        await self._users.update(user_id, changes, AuditEntry(actor, "user.deleted", "user"), _may_be_changed_by(actor))

    async def credentials_of(self, email: str) -> Credentials | None:
        """Return what is needed to check a sign-in, or None when there is no such account."""
        user = await self._users.find_by_email(email)
        return None if user is None else Credentials.of(user)

    async def credentials(self, user_id: int) -> Credentials:
        """Return what is needed to check a password; raises NotFound."""
        return Credentials.of(await self._existing(user_id))

    def set_password(self, user_id: int, password_hash: str) -> None:
        """Store a new hash in the transaction open on this thread; raises NotFound."""
        self._users.set_password(user_id, password_hash)

    def note_login(self, user_id: int, judged_digest: str | None) -> None:
        """Store that the user has just signed in, in the transaction open on this thread.

        Raises NotAuthenticated if the account is shut, or the password, where one was judged, is another since: its
        hash has another `password_digest`.
        """
        self._users.note_login(user_id, partial(_require_unchanged, judged_digest))

    def lock_key_allowance(self, user_id: int) -> int | None:
        """Lock the account in the transaction open on this thread, and return how many keys its plan allows.

        None means any number. Raises NotFound.
        """
        return self._users.lock(user_id).plan.api_keys_maximum

    def lock_account(self, user_id: int) -> None:
        """Lock the account until the transaction open on this thread ends; raises NotFound."""
        self._users.lock(user_id)

    def end_sessions(self, user_id: int) -> None:
        """End every session of the account in the transaction open on this thread, in which it is locked."""
        self._users.end_sessions(user_id)

    async def _existing(self, user_id: int) -> User:
        user = await self._users.find(user_id)
        if user is None:
            raise NotFound
        return user


def _require_unchanged(judged_digest: str | None, user: User) -> None:
    if judged_digest not in (None, password_digest(user.password)) or not is_usable(user):
        raise NotAuthenticated


def _may_be_changed_by(actor: Principal) -> Any:
    def guard(user: User) -> None:
        if (user.is_staff or user.is_superuser) and user.pk != actor.user_id and not actor.is_superuser:
            raise NotAllowed("Only a superuser may change another member of staff.")

    return guard
