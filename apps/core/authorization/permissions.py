"""The permissions that the admin's pages check. Roles cannot hold any others."""

from collections.abc import Iterable

_registered: set[str] = set()


def register_permissions(names: Iterable[str]) -> None:
    """Register permissions that a page checks, such as `api_keys.view_apikey`. Called when the page is created."""
    _registered.update(names)


def registered_permissions() -> frozenset[str]:
    """Return the permissions that pages check. Complete after Django has loaded every app's `admin`."""
    return frozenset(_registered)
