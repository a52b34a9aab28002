"""The signed-in staff member of an admin request, as a `Principal` for the services."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.core.authorization.principal import Principal

_ATTRIBUTE = "signed_in_principal"


def acting_staff(request: HttpRequest) -> Principal:
    """Return the signed-in staff member. Raises PermissionDenied when the request is anonymous."""
    return principal_of(request.user)


def principal_of(user: Any) -> Principal:
    """Return the principal of an account that is signed in to the admin. Raises PermissionDenied when it has none."""
    principal: Principal | None = getattr(user, _ATTRIBUTE, None)
    if principal is None:
        raise PermissionDenied
    return principal


def holds_any(user: Any, scopes: Iterable[str]) -> bool:
    """Return whether the account is signed in to the admin and holds one of the scopes."""
    principal: Principal | None = getattr(user, _ATTRIBUTE, None)
    return principal is not None and any(map(principal.has_scope, scopes))


def set_principal(user: Any, principal: Principal) -> None:
    """Attach the principal of the admin session to the account, for the duration of the request."""
    setattr(user, _ATTRIBUTE, principal)
