"""Whom members of staff may change, and whose access they may remove."""

from typing import Protocol

from apps.core.authorization.principal import Principal
from apps.core.errors import Conflict, NotAllowed


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


def require_changeable_by(actor: Principal, account: Colleague) -> None:
    """Raise NotAllowed where the account belongs to another member of staff and the actor is no superuser."""
    if _is_staffs(account) and account.user_id != actor.user_id and not actor.is_superuser:
        raise NotAllowed("Only a superuser may change another member of staff.")


def require_removable_by(actor: Principal, account: Colleague) -> None:
    """Raise as `require_changeable_by` does, and Conflict where members of staff would remove their own access.

    So there is always a superuser, who can give access back to others.
    """
    require_changeable_by(actor, account)
    if _is_staffs(account) and account.user_id == actor.user_id:
        raise Conflict("You cannot remove your own access. Ask another superuser to remove it.")


def _is_staffs(account: Colleague) -> bool:
    return account.is_staff or account.is_superuser
