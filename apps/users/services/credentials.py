"""What of an account decides whether it may be used."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from django.utils import timezone

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
