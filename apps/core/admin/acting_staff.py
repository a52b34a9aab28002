"""Who acts in the admin, as the services know it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.core.security.principal import CredentialKind, Principal


def acting_staff(request: HttpRequest) -> Principal:
    """Return the member of staff who is signed in; raises PermissionDenied when nobody is."""
    user = request.user
    if not user.is_authenticated or not user.is_active:
        raise PermissionDenied
    return principal_of(user)


def principal_of(user: Any) -> Principal:
    """Return the principal of an account that is signed in to the admin."""
    return Principal(
        user_id=user.pk,
        kind=CredentialKind.SESSION,
        is_staff=user.is_staff,
        is_superuser=user.is_superuser,
        roles=frozenset(user.groups.values_list("name", flat=True)),
    )
