"""The signed-in member of staff, as a `Principal` for the services, and the scopes that the pages of models require."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.core.authorization.principal import Principal

_ATTRIBUTE = "signed_in_principal"
VIEW, ADD, CHANGE, DELETE = "view", "add", "change", "delete"


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


@dataclass(frozen=True, slots=True)
class PageScopes:
    """The scopes of each verb of Django's admin; one of them is enough. A verb without any is not offered.

    To add, change or delete takes a scope for `view` too, because the pages show rows.
    """

    view: tuple[str, ...]
    add: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()

    @classmethod
    def of(cls, reads: str, changes: str) -> Self:
        """Return the scopes of pages that offer all verbs."""
        return cls((reads,), (changes,), (changes,), (changes,))

    def allow(self, user: Any, verb: str) -> bool:
        """Return whether the account that is signed in to the admin may use the verb."""
        return holds_any(user, self.view) and (verb == VIEW or holds_any(user, getattr(self, verb)))


_pages: dict[tuple[str, str], PageScopes] = {}


def register_page(app_label: str, model_name: str, scopes: PageScopes) -> None:
    """Register the scopes of a model's pages. Called when the pages are created."""
    _pages[app_label, model_name] = scopes


def allows(user: Any, permission: str) -> bool:
    """Return whether the account may do what Django calls the permission, such as `api_keys.view_apikey`."""
    app_label, _, codename = permission.partition(".")
    verb, _, model_name = codename.partition("_")
    scopes = _pages.get((app_label, model_name))
    return scopes is not None and verb in {VIEW, ADD, CHANGE, DELETE} and scopes.allow(user, verb)


def allows_app(user: Any, app_label: str) -> bool:
    """Return whether the account may view the pages of one of the app's models."""
    return any(scopes.allow(user, VIEW) for (label, _), scopes in _pages.items() if label == app_label)
