"""What may be done with accounts, and by whom."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.conf import settings

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import Principal
from apps.core.authorization.scopes import ROLE_SCOPES, held_scopes, reserved_under, withheld_scopes
from apps.core.errors import EmailNotVerified, ErrorDetail, NotAuthenticated, NotFound, ValidationFailed, WrongPassword
from apps.core.schemas.page import Page
from apps.plans.services.plan_service import PlanService
from apps.users.models import User
from apps.users.repositories.old_user_repository import AfterUpdate, OldUserRepository
from apps.users.schemas.user import UserOut, UserQuery, UserUpdate
from apps.users.services.credentials import Credentials, is_usable, password_digest
from apps.users.services.email_change import EmailChange
from apps.users.services.staff_rules import may_be_changed_by, may_be_shut_out_by


class UserService:
    """Finds accounts and changes them."""

    def __init__(self, users: OldUserRepository, plans: PlanService, email_change: EmailChange) -> None:
        self._users = users
        self._plans = plans
        self._email_change = email_change

    async def get(self, actor: Principal, user_id: int) -> UserOut:
        """Return the account; raises NotAllowed for another's, NotFound when there is none."""
        actor.require_reading(user_id)
        return UserOut.of(await self._existing(user_id))

    async def require(self, actor: Principal, user_id: int) -> None:
        """Raise NotFound unless the account exists, and NotAllowed unless the actor may see it."""
        await self.get(actor, user_id)

    async def require_changeable(self, actor: Principal, user_id: int) -> None:
        """Raise NotAllowed or InsufficientScopes unless the actor may change what belongs to the account.

        Raises NotFound where there is none: what a deleted one has stays as it is, for it may be restored.
        """
        actor.require_writing(user_id)
        if user_id != actor.user_id:
            may_be_changed_by(actor)(await self._existing(user_id))

    async def held_scopes(self, user_id: int) -> frozenset[str]:
        """Return the declared scopes that the account holds at this moment; a deleted one holds none."""
        user: Any = await self._users.find_holder(user_id)
        return held_scopes(user.role_scopes, is_staff=user.is_staff) if user else frozenset()

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
        """Change the account; raises NotAllowed, NotFound, ValidationFailed (unknown plan, role), Conflict (taken, or
        staff who would shut themselves out).

        What may let somebody in, or gives rights, needs a recent proof of who one is, which no API key has; raises
        StepUpRequired. One's own address changes when it is confirmed (EmailChange). Staff change others' at once.
        """
        actor.require_writing(user_id)
        if update.needs_staff:
            actor.require_staff()
        if update.needs_superuser:
            actor.require_superuser()
        if update.gives_access:
            actor.require_recent_authentication()
        changes: dict[str, Any] = {name: getattr(update, name) for name in update.model_fields_set}
        if "plan" in changes:
            changes["plan_id"] = await self._plans.id_of(changes.pop("plan"))
        after = self._of_email(actor, user_id, changes) if "email" in changes else None
        audit = AuditEntry(actor, "user.updated", "user")
        guard = may_be_shut_out_by(actor) if update.shuts_out else may_be_changed_by(actor)
        return UserOut.of(await self._users.update(user_id, changes, audit, guard, after))

    async def credentials_of(self, email: str) -> Credentials | None:
        """Return what is needed to check a sign-in, or None when there is no such account."""
        user = await self._users.find_by_email(email)
        return None if user is None else Credentials.of(user)

    async def credentials(self, user_id: int) -> Credentials:
        """Return what is needed to check a password; raises NotFound."""
        return Credentials.of(await self._existing(user_id))

    def set_password(self, user_id: int, password_hash: str, judged_digest: str | None = None) -> None:
        """Store a new hash in the transaction open on this thread; raises NotFound.

        Raises WrongPassword if the password that was judged, where one was, is another since (its hash has another
        `password_digest`).
        """
        self._users.set_password(user_id, password_hash, partial(_require_judged_password, judged_digest))

    def lock_usable(self, user_id: int) -> Credentials:
        """Lock the account in the transaction open on this thread; raises NotFound where it may not be used."""
        account = Credentials.of(self._users.lock(user_id))
        if not account.is_usable:
            raise NotFound
        return account

    def lock_usable_by_email(self, email: str) -> Credentials | None:
        """Lock the account with this address in the transaction open on this thread; None where none may be used."""
        user = self._users.lock_by_email(email)
        return Credentials.of(user) if user is not None and is_usable(user) else None

    def lock_credentials(self, user_id: int) -> Credentials:
        """Lock the account, usable or not, in the transaction open on this thread; raises NotFound."""
        return Credentials.of(self._users.lock(user_id))

    def lock_by_email(self, email: str) -> Credentials | None:
        """Lock the account with this address, usable or not, in the transaction open on this thread; None without."""
        user = self._users.lock_by_email(email)
        return None if user is None else Credentials.of(user)

    def mark_verified(self, user_id: int) -> None:
        """Store that the account's address is its owner's, in the transaction open on this thread."""
        self._users.mark_verified(user_id)

    def note_login(self, user_id: int, judged_digest: str | None, needs_verified: bool) -> bool:
        """Store that the user has just signed in, in the transaction open on this thread; return whether ever before.

        Raises NotAuthenticated if the account is shut, or the password, where one was judged, is another since (its
        hash has another `password_digest`); EmailNotVerified where `needs_verified`, and REQUIRE_VERIFIED_EMAIL asks
        for a verified address.
        """
        return self._users.note_login(user_id, partial(_require_sign_in, judged_digest, needs_verified))

    def lock_key_allowance(self, user_id: int) -> int | None:
        """Lock the account in the transaction open on this thread, and return how many keys its plan allows.

        None means any number. Raises NotFound.
        """
        return self._users.lock(user_id).plan.api_keys_maximum

    def require_held(self, user_id: int, scopes: Iterable[str]) -> None:
        """Raise ValidationFailed unless the account holds each declared scope that is among `scopes` or under them.

        In the transaction open on this thread. What depends on it is judged again at each use: this is for the message.
        """
        wanted = reserved_under(scopes)
        missing = withheld_scopes(wanted, self._users.held_scopes(user_id)) if wanted else []
        if missing:
            details = [
                ErrorDetail("scopes", _what_it_takes(scope, self._users.names_giving(scope))) for scope in missing
            ]
            raise ValidationFailed("A key never has more than its owner holds.", details=details)

    def lock_account(self, user_id: int) -> None:
        """Lock the account until the transaction open on this thread ends; raises NotFound."""
        self._users.lock(user_id)

    def end_sessions(self, user_id: int) -> None:
        """End every session of the account in the transaction open on this thread, in which it is locked."""
        self._users.end_sessions(user_id)

    def end_proofs(self, user_id: int) -> None:
        """Ask all sessions of the account for new proof, in the transaction open on this thread; it is locked there."""
        self._users.end_proofs(user_id)

    def _of_email(self, actor: Principal, user_id: int, changes: dict[str, Any]) -> AfterUpdate:
        if user_id != actor.user_id:
            return partial(self._email_change.moved_by_staff, actor)
        return partial(self._email_change.begin, actor, changes.pop("email"))

    async def _existing(self, user_id: int) -> User:
        user = await self._users.find(user_id)
        if user is None:
            raise NotFound
        return user


def _is_judged_password(judged_digest: str | None, user: User) -> bool:
    return judged_digest in (None, password_digest(user.password))


def _require_judged_password(judged_digest: str | None, user: User) -> None:
    if not _is_judged_password(judged_digest, user):
        raise WrongPassword


def _require_sign_in(judged_digest: str | None, needs_verified: bool, user: User) -> None:
    if not _is_judged_password(judged_digest, user) or not is_usable(user):
        raise NotAuthenticated
    if needs_verified and settings.REQUIRE_VERIFIED_EMAIL and user.email_verified_at is None:
        raise EmailNotVerified


def _what_it_takes(scope: str, roles: list[str]) -> str:
    if scope not in ROLE_SCOPES:
        return f"Only staff hold {scope}."
    return f"The owner needs a role that gives {scope}: {' or '.join(roles) if roles else 'there is none yet'}."
