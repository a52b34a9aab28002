"""Scopes: the rights of a credential, as `area:action`, with the wildcard `area:*` for a whole area.

A customer's own scopes are free text. The scopes of the catalogue have a meaning to Keyhouse: a credential has one only
while its owner holds it, and always under its own name. A wildcard on a key therefore grants only the customer's own
scopes; `effective_scopes` adds the service scopes under it that the owner holds. Scopes of staff, and those of every
account, are on a key only by their names.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import lru_cache

from apps.core.authorization.catalogue import (
    ACCOUNT_READ,
    ACCOUNT_WRITE,
    CATALOGUE,
    CREDITS_HOLD,
    EVERYONES_SCOPES,
    KEYS_VERIFY,
    RESERVED_SCOPES,
    ROLE_SCOPES,
    SERVICE_SCOPES,
    TOKENS_INTROSPECT,
)

__all__ = [
    "ACCOUNT_READ",
    "ACCOUNT_WRITE",
    "CREDITS_HOLD",
    "EVERYONES_SCOPES",
    "KEYS_VERIFY",
    "RESERVED_GRANTS",
    "RESERVED_SCOPES",
    "ROLE_SCOPES",
    "SCOPE_LENGTH_MAXIMUM",
    "SCOPE_PATTERN",
    "TOKENS_INTROSPECT",
    "added_scopes",
    "effective_scopes",
    "grants",
    "held_scopes",
    "missing_scopes",
    "reserved_among",
    "reserved_under",
    "withheld_scopes",
]

SCOPE_LENGTH_MAXIMUM = 100
SCOPE_PATTERN = r"^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*(:\*)?$"


def _wildcards_over(scope: str) -> list[str]:
    parts = scope.split(":")
    return [":".join([*parts[:end], "*"]) for end in range(1, len(parts))]


# Every grant on a key that can give it a declared scope. A key with none of them needs no look-up of its owner.
RESERVED_GRANTS = RESERVED_SCOPES.union(*map(_wildcards_over, SERVICE_SCOPES))


def grants(granted: Iterable[str], wanted: str) -> bool:
    """Return whether one of the granted scopes is `wanted` or a wildcard over it (`a:*` grants `a:b` and `a:b:c`).

    `granted` are the effective scopes of a credential: a wildcard never grants a declared scope.
    """
    if wanted in RESERVED_SCOPES:
        return wanted in granted
    return any(_covers(scope, wanted) for scope in granted)


def missing_scopes(granted: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return the wanted scopes that are not granted, in the order of `wanted`."""
    held = frozenset(granted)
    return [scope for scope in wanted if scope not in held and not grants(held, scope)]


def reserved_among(scopes: Iterable[str]) -> list[str]:
    """Return the members of `scopes` that are declared, or that are wildcards over a service scope."""
    return [scope for scope in scopes if scope in RESERVED_GRANTS]


def reserved_under(scopes: Iterable[str]) -> list[str]:
    """Return the declared scopes in `scopes`, and the service scopes under a wildcard, in the catalogue's order."""
    return list(_reserved_under(frozenset(reserved_among(scopes))))


@lru_cache(maxsize=1024)
def _reserved_under(own: frozenset[str]) -> tuple[str, ...]:
    # Cached: a list of keys asks twice for each of them, and most keys have the same few reserved scopes.
    return tuple(declared for declared in CATALOGUE if declared in own or _is_service_scope_under(own, declared))


def held_scopes(given_by_roles: Iterable[str], *, is_staff: bool, is_superuser: bool = False) -> frozenset[str]:
    """Return the declared scopes that an account holds: those of everyone, and those that its roles give.

    Superusers hold all. Only staff hold scopes of staff, and `is_superuser` has no effect without `is_staff`. A role's
    row may name a scope that is no longer declared.
    """
    if is_staff and is_superuser:
        return RESERVED_SCOPES
    return EVERYONES_SCOPES | (ROLE_SCOPES if is_staff else SERVICE_SCOPES).intersection(given_by_roles)


def effective_scopes(own: Iterable[str], held: AbstractSet[str]) -> list[str]:
    """Return the effective scopes of a key with the scopes `own`, while its owner holds `held`, in the order of `own`.

    Declared scopes that the owner does not hold are left out. Held service scopes under a wildcard are appended.
    """
    written = list(own)
    named = [scope for scope in written if scope not in RESERVED_SCOPES or scope in held]
    return named + [scope for scope in reserved_under(written) if scope in held and scope not in named]


def withheld_scopes(own: Iterable[str], held: AbstractSet[str]) -> list[str]:
    """Return the declared scopes on the key that it lacks because its owner does not hold them."""
    return [scope for scope in reserved_under(own) if scope not in held]


def added_scopes(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """Return the scopes in `after` that `before` neither contains nor covers by a wildcard.

    A wildcard covers no declared scope but those of services: it grants no others.
    """
    written = list(before)
    return [scope for scope in after if scope not in written and not _is_covered(written, scope)]


def _is_service_scope_under(grants_of_key: Iterable[str], declared: str) -> bool:
    return declared in SERVICE_SCOPES and any(_covers(scope, declared) for scope in grants_of_key)


def _is_covered(written: Iterable[str], scope: str) -> bool:
    return (scope not in RESERVED_SCOPES or scope in SERVICE_SCOPES) and any(_covers(old, scope) for old in written)


def _covers(scope: str, wanted: str) -> bool:
    return scope == wanted or (scope.endswith(":*") and wanted.startswith(scope[:-1]))
