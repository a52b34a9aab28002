"""Whom members of staff may change, and shut out."""

from collections.abc import Callable
from typing import Protocol

from apps.core.authorization.principal import Principal
from apps.core.errors import Conflict, NotAllowed
from apps.users.models import User


class Colleague(Protocol):
    """What the rules need to know of an account."""

    @property
    def user_id(self) -> int:
        """The account's id."""

    @property
    def is_staff(self) -> bool:
        """Whether it is a member of staff's."""

    @property
    def is_superuser(self) -> bool:
        """Whether it is a superuser's."""


def require_changeable_by(actor: Principal, account: Colleague) -> None:
    """Raise NotAllowed where the account is another member of staff's and the actor is no superuser."""
    if (account.is_staff or account.is_superuser) and account.user_id != actor.user_id and not actor.is_superuser:
        raise NotAllowed("Only a superuser may change another member of staff.")


def may_be_changed_by(actor: Principal) -> Callable[[User], None]:
    """Return a guard that raises NotAllowed where the account is a member of staff whom only a superuser may change."""

    def guard(user: User) -> None:
        if (user.is_staff or user.is_superuser) and user.pk != actor.user_id and not actor.is_superuser:
            raise NotAllowed("Only a superuser may change another member of staff.")

    return guard


def may_be_shut_out_by(actor: Principal) -> Callable[[User], None]:
    """Return a guard that raises NotAllowed as above, and Conflict where members of staff would shut themselves out.

    So the last superuser stays: nobody else could bring them back.
    """
    may_be_changed = may_be_changed_by(actor)

    def guard(user: User) -> None:
        may_be_changed(user)
        if user.pk == actor.user_id and (user.is_staff or user.is_superuser):
            raise Conflict("You cannot take your own access away; another superuser can.")

    return guard
