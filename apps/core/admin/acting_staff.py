"""Who acts in the admin, as the services know it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.core.authorization.principal import Principal

_ATTRIBUTE = "signed_in_principal"


def acting_staff(request: HttpRequest) -> Principal:
    """Return the member of staff who is signed in; raises PermissionDenied when nobody is."""
    return principal_of(request.user)


def principal_of(user: Any) -> Principal:
    """Return whom an account that is signed in to the admin acts as; raises PermissionDenied when it is not."""
    principal: Principal | None = getattr(user, _ATTRIBUTE, None)
    if principal is None:
        raise PermissionDenied
    return principal


def set_principal(user: Any, principal: Principal) -> None:
    """Keep with the account, for the length of the request, whom its session of the admin makes it."""
    setattr(user, _ATTRIBUTE, principal)
