"""Scopes: what a credential may do, as `area:action`, with `area:*` for all of an area.

A customer's own scopes are free text. Those of the catalogue mean something to Keyhouse itself: a credential has one of
them only while its owner holds it, and always by its own name. So a wildcard on a key stands for the customer's own
words, and is joined by those declared scopes under it that the owner holds (`effective_scopes`).
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from apps.core.authorization.catalogue import (
    ACCOUNT_WRITE,
    CATALOGUE,
    CREDITS_HOLD,
    EVERYONES_SCOPES,
    KEYS_VERIFY,
    RESERVED_SCOPES,
    ROLE_SCOPES,
    STAFF,
    TOKENS_INTROSPECT,
)

__all__ = [
    "ACCOUNT_WRITE",
    "CREDITS_HOLD",
    "EVERYONES_SCOPES",
    "KEYS_VERIFY",
    "RESERVED_GRANTS",
    "RESERVED_SCOPES",
    "ROLE_SCOPES",
    "SCOPE_LENGTH_MAXIMUM",
    "SCOPE_PATTERN",
    "STAFF",
    "TOKENS_INTROSPECT",
    "added_scopes",
    "effective_scopes",
    "grants",
    "held_scopes",
    "missing_scopes",
    "reserved_among",
    "reserved_under",
    "scopes_of_roles",
    "withheld_scopes",
]

SCOPE_LENGTH_MAXIMUM = 100
SCOPE_PATTERN = r"^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*(:\*)?$"


def _wildcards_over(scope: str) -> list[str]:
    parts = scope.split(":")
    return [":".join([*parts[:end], "*"]) for end in range(1, len(parts))]


# All that may be written on a key to give it a declared scope: a key with none of it needs no look at its owner.
RESERVED_GRANTS = RESERVED_SCOPES.union(*map(_wildcards_over, RESERVED_SCOPES))


def grants(granted: Iterable[str], wanted: str) -> bool:
    """Return whether one of the granted scopes is `wanted` or a wildcard over it (`a:*` grants `a:b` and `a:b:c`).

    `granted` is what a credential effectively has: no wildcard grants a declared scope.
    """
    if wanted in RESERVED_SCOPES:
        return wanted in granted
    return any(_covers(scope, wanted) for scope in granted)


def missing_scopes(granted: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return the wanted scopes that are not granted, in the order they were asked for."""
    held = frozenset(granted)
    return [scope for scope in wanted if scope not in held and not grants(held, scope)]


def reserved_among(scopes: Iterable[str]) -> list[str]:
    """Return those of `scopes` that are declared, or wildcards over one that is."""
    return [scope for scope in scopes if scope in RESERVED_GRANTS]


def reserved_under(scopes: Iterable[str]) -> list[str]:
    """Return the declared scopes that are among `scopes`, or under a wildcard there, in the catalogue's order."""
    own = reserved_among(scopes)
    return [declared for declared in CATALOGUE if any(_covers(scope, declared) for scope in own)]


def scopes_of_roles(given: Iterable[str]) -> frozenset[str]:
    """Return those of the scopes in the roles' rows that roles do give; a row may be older than the catalogue."""
    return ROLE_SCOPES.intersection(given)


def held_scopes(given_by_roles: Iterable[str], *, is_staff: bool) -> frozenset[str]:
    """Return the declared scopes that an account holds: all for staff, for others everyone's and their roles'."""
    return RESERVED_SCOPES if is_staff else EVERYONES_SCOPES | scopes_of_roles(given_by_roles)


def effective_scopes(own: Iterable[str], held: AbstractSet[str]) -> list[str]:
    """Return what a key with its `own` scopes may do while its owner holds `held`, in the order of `own`.

    Declared scopes that are not held are left out; those that are, and stand under a wildcard, are named after it.
    """
    written = list(own)
    named = [scope for scope in written if scope not in RESERVED_SCOPES or scope in held]
    return named + [scope for scope in reserved_under(written) if scope in held and scope not in named]


def withheld_scopes(own: Iterable[str], held: AbstractSet[str]) -> list[str]:
    """Return the declared scopes that the key would have, did its owner hold them."""
    return [scope for scope in reserved_under(own) if scope not in held]


def added_scopes(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """Return what is written in `after` and was not in `before`, not even under a wildcard."""
    written = list(before)
    return [scope for scope in after if not any(_covers(old, scope) for old in written)]


def _covers(scope: str, wanted: str) -> bool:
    return scope == wanted or (scope.endswith(":*") and wanted.startswith(scope[:-1]))
