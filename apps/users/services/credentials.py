"""The state of an account that decides whether it may be used, and who may act on accounts of staff."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol, Self

from django.utils import timezone

from apps.core.authorization.catalogue import EVERYONES_SCOPES, STAFF_MANAGE
from apps.core.authorization.principal import Principal
from apps.core.authorization.scopes import held_scopes
from apps.core.errors import Conflict, NotAllowed
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account's password hash, whether it may be used, and whether it belongs to staff."""

    user_id: int
    email: str
    username: str
    full_name: str
    is_usable: bool
    password_hash: str = field(repr=False)
    is_verified: bool = False  # whether the address is verified
    was_ever_verified: bool = False  # whether this address is, or an earlier one was
    is_staff: bool = False
    is_superuser: bool = False

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the account's credentials."""
        return cls(
            user_id=user.pk,
            email=user.email,
            username=user.username,
            full_name=user.full_name,
            is_usable=is_usable(user),
            password_hash=user.password,
            is_verified=user.email_verified_at is not None,
            was_ever_verified=(user.email_verified_at or user.formerly_verified_at) is not None,
            is_staff=user.is_staff,
            is_superuser=user.is_superuser,
        )


def password_digest(password_hash: str) -> str:
    """Return a digest of a password hash, to compare hashes where the hash itself must not be stored."""
    return sha256(password_hash.encode()).hexdigest()


def is_usable(user: User) -> bool:
    """Return whether the account is active, not deleted, and not locked now."""
    locked = user.locked_until is not None and user.locked_until > timezone.now()
    return user.is_active and user.deleted_at is None and not locked


class Colleague(Protocol):
    """The fields of an account that the rules need."""

    @property
    def user_id(self) -> int:
        """The account's id."""

    @property
    def is_staff(self) -> bool:
        """Whether it belongs to a member of staff."""

    @property
    def is_superuser(self) -> bool:
        """Whether it belongs to a superuser."""


class RoleScopes(Protocol):
    """Reads the scopes that the roles of an account give."""

    async def role_scopes(self, user_id: int) -> list[str]:
        """Return the scopes, also of a deleted account."""


async def scopes_held_by(account: Colleague, roles: RoleScopes) -> frozenset[str]:
    """Return the declared scopes that the account holds now."""
    given = await roles.role_scopes(account.user_id)
    return held_scopes(given, is_staff=account.is_staff, is_superuser=account.is_superuser)


async def require_changeable_by(actor: Principal, account: Colleague, roles: RoleScopes) -> None:
    """Raise NotAllowed or InsufficientScopes where the account belongs to other staff and the actor may not act on it.

    To act on a member of staff takes `staff:manage` and each scope that the account holds, because an actor who
    changes an address or creates a key can use the rights of the account; to act on a superuser takes a superuser.
    """
    if not is_of_staff(account) or account.user_id == actor.user_id:
        return
    actor.require_scope(STAFF_MANAGE)
    if account.is_superuser and not actor.is_superuser:
        raise NotAllowed("Only a superuser may change a superuser.")
    if lacking := await scopes_held_by(account, roles) - actor.scopes - EVERYONES_SCOPES:
        raise NotAllowed(f"This member of staff holds scopes that you lack: {', '.join(sorted(lacking))}.")


async def require_removable_by(
    actor: Principal, account: Credentials, own: Credentials | None, roles: RoleScopes
) -> None:
    """Raise as `require_changeable_by` does, and Conflict where members of staff would remove their own access.

    So there is always a superuser, who can give access back to others: `own` is the actor's account, locked with the
    other, so that of two superusers who remove each other at the same time only one succeeds.
    """
    await require_changeable_by(actor, account, roles)
    if is_of_staff(account) and account.user_id == actor.user_id:
        raise Conflict("You cannot remove your own access. Ask another member of staff to remove it.")
    if account.is_superuser and actor.user_id is not None and not (own and own.is_superuser and own.is_usable):
        raise NotAllowed("Your own account has just lost its rights.")


def is_of_staff(account: Colleague) -> bool:
    """Return whether the account belongs to staff."""
    return account.is_staff or account.is_superuser
