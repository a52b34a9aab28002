"""Parses the `scope` of a request (RFC 6749, 3.3)."""

import re
from collections.abc import Iterable

from apps.core.authorization.scopes import SCOPE_LENGTH_MAXIMUM, SCOPE_PATTERN, grants, reserved_among
from apps.oauth.services.oauth_errors import InvalidScope

SCOPES_MAXIMUM = 100
_form = re.compile(SCOPE_PATTERN)


def read_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes in `text` without duplicates; raises InvalidScope for malformed ones."""
    scopes = tuple(dict.fromkeys(text.split(" "))) if text else ()
    if len(scopes) > SCOPES_MAXIMUM or not all(map(_is_scope, scopes)):
        raise InvalidScope
    return scopes


def default_scopes(held: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes of a token when none are requested: the key's, except those that Keyhouse itself checks.

    The token is sent to other services, so what it allows at Keyhouse must be requested by name.
    """
    scopes = tuple(held)
    reserved = frozenset(reserved_among(scopes))
    return tuple(scope for scope in scopes if scope not in reserved)


def common_scopes(one: Iterable[str], other: Iterable[str]) -> frozenset[str]:
    """Return the scopes that both grant; of a wildcard and a scope below it, the narrower."""
    ones, others = frozenset(one), frozenset(other)
    return frozenset(
        {scope for scope in ones if grants(others, scope)} | {scope for scope in others if grants(ones, scope)}
    )


def _is_scope(text: str) -> bool:
    return len(text) <= SCOPE_LENGTH_MAXIMUM and _form.fullmatch(text) is not None
