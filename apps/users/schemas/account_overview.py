"""An account as staff see it at a glance, also a deleted one."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, cast

from django.utils import timezone

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp

if TYPE_CHECKING:
    from apps.users.models import User


class AccountState(StrEnum):
    """Whether an account can be used, or the first reason why not. `LOCKED` refuses its API keys too."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LOCKED = "locked"
    DELETED = "deleted"
    ERASED = "erased"


def state_of(user: "User") -> AccountState:
    """Return the state of the account now."""
    if user.erased_at is not None:
        return AccountState.ERASED
    if user.deleted_at is not None:
        return AccountState.DELETED
    if not user.is_active:
        return AccountState.SUSPENDED
    return AccountState.LOCKED if is_locked(user) else AccountState.ACTIVE


def is_locked(user: "User") -> bool:
    """Return whether the account and its API keys are locked now (`locked_until`)."""
    return user.locked_until is not None and user.locked_until > timezone.now()


class AccountOverview(ResponseSchema):
    """An account, deleted or not. `locked_until` is set while the account and its API keys are locked.

    `notes_total` is the number of notes about it.
    """

    id: int
    email: str
    username: str
    full_name: str
    plan: str
    state: AccountState
    is_staff: bool
    is_superuser: bool
    roles: list[str]
    email_verified_at: Timestamp | None
    created_at: Timestamp
    last_login_at: Timestamp | None
    locked_until: Timestamp | None
    deleted_at: Timestamp | None
    erased_at: Timestamp | None
    notes_total: int

    @property
    def pk(self) -> int:
        """The id, as operations of the admin name it."""
        return self.id

    @property
    def is_active(self) -> bool:
        """Whether the account is neither suspended nor deleted."""
        return self.state in (AccountState.ACTIVE, AccountState.LOCKED)

    @classmethod
    def of(cls, user: "User") -> Self:
        """Return the overview; `plan` must be loaded, and `role_names` and `notes_total` annotated."""
        added = cast("Any", user)
        return cls(
            id=user.pk,
            state=state_of(user),
            plan=user.plan.name,
            roles=sorted(added.role_names),
            last_login_at=user.last_login,
            locked_until=user.locked_until if is_locked(user) else None,
            **{name: getattr(added, name) for name in COPIED},
        )


COPIED = (
    "email", "username", "full_name", "is_staff", "is_superuser", "email_verified_at", "created_at", "deleted_at",
    "erased_at", "notes_total",
)  # fmt: skip
