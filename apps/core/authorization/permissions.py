"""The permissions that mean something in the admin: those that one of its pages asks for. Roles carry no others."""

from collections.abc import Iterable

_asked_for: set[str] = set()


def ask_for(names: Iterable[str]) -> None:
    """Note that a page asks for these, such as `api_keys.view_apikey`; called while the pages are made."""
    _asked_for.update(names)


def asked_for() -> frozenset[str]:
    """Return what the pages ask for; complete once Django has loaded every room's `admin`."""
    return frozenset(_asked_for)
