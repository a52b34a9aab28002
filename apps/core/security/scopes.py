"""Scopes: what a credential may do, as `area:action`, with `area:*` for all of an area.

A customer's own scopes are free text. The ones below mean something to Keyhouse itself, so only staff hand them out.
"""

from collections.abc import Iterable

SCOPE_LENGTH_MAXIMUM = 100
SCOPE_PATTERN = r"^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*(:\*)?$"

KEYS_VERIFY = "keys:verify"
CREDITS_HOLD = "credits:hold"
ACCOUNT_WRITE = "keyhouse:account"
STAFF = "keyhouse:staff"
TOKENS_INTROSPECT = "tokens:introspect"
RESERVED_SCOPES = frozenset({KEYS_VERIFY, CREDITS_HOLD, ACCOUNT_WRITE, STAFF, TOKENS_INTROSPECT})


def grants(granted: Iterable[str], wanted: str) -> bool:
    """Return whether one of the granted scopes is `wanted` or a wildcard over it (`a:*` grants `a:b` and `a:b:c`)."""
    return any(scope == wanted or (scope.endswith(":*") and wanted.startswith(scope[:-1])) for scope in granted)


def missing_scopes(granted: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return the wanted scopes that are not granted, in the order they were asked for."""
    held = frozenset(granted)
    return [scope for scope in wanted if scope not in held and not grants(held, scope)]


def reserved_among(scopes: Iterable[str]) -> list[str]:
    """Return those of `scopes` that grant something only staff hand out."""
    return [scope for scope in scopes if any(grants([scope], reserved) for reserved in RESERVED_SCOPES)]
