"""Whom members of staff may change."""

from collections.abc import Callable

from apps.core.errors import NotAllowed
from apps.core.security.principal import Principal
from apps.users.models import User


def may_be_changed_by(actor: Principal) -> Callable[[User], None]:
    """Return a guard that raises NotAllowed where the account is a member of staff whom only a superuser may change."""

    def guard(user: User) -> None:
        if (user.is_staff or user.is_superuser) and user.pk != actor.user_id and not actor.is_superuser:
            raise NotAllowed("Only a superuser may change another member of staff.")

    return guard
