"""The credentials of an account, and the rules by which staff may change other accounts."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol, Self

from django.utils import timezone

from apps.core.authorization.principal import Principal
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


class HasStaffStatus(Protocol):
    """The fields of an account that the rules read."""

    @property
    def user_id(self) -> int:
        """The account's id."""

    @property
    def is_staff(self) -> bool:
        """Whether it belongs to a member of staff."""

    @property
    def is_superuser(self) -> bool:
        """Whether it belongs to a superuser."""


def require_changeable_by(actor: Principal, account: HasStaffStatus) -> None:
    """Raise NotAllowed if the account belongs to another member of staff and the actor is not a superuser."""
    if _is_of_staff(account) and account.user_id != actor.user_id and not actor.is_superuser:
        raise NotAllowed("Only a superuser may change another member of staff.")


def require_removable_by(actor: Principal, account: HasStaffStatus) -> None:
    """Raise as `require_changeable_by` does, and Conflict if members of staff would remove their own access.

    So there is always a superuser who can restore the access of others.
    """
    require_changeable_by(actor, account)
    if _is_of_staff(account) and account.user_id == actor.user_id:
        raise Conflict("You cannot remove your own access. Ask another superuser to remove it.")


def _is_of_staff(account: HasStaffStatus) -> bool:
    return account.is_staff or account.is_superuser
