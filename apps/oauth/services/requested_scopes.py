"""The `scope` of a request (RFC 6749, 3.3)."""

import re
from collections.abc import Iterable

from apps.core.authorization.scopes import SCOPE_LENGTH_MAXIMUM, SCOPE_PATTERN, grants, reserved_among
from apps.oauth.services.oauth_errors import InvalidScope

SCOPES_MAXIMUM = 100
_form = re.compile(SCOPE_PATTERN)


def read_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes in `text`, each once; raises InvalidScope unless all are scopes, with one space between."""
    scopes = tuple(dict.fromkeys(text.split(" "))) if text else ()
    if len(scopes) > SCOPES_MAXIMUM or not all(map(_is_scope, scopes)):
        raise InvalidScope
    return scopes


def default_scopes(held: Iterable[str]) -> tuple[str, ...]:
    """Return what a token has when none were asked for: the key's scopes but those that Keyhouse itself acts on.

    The token is handed to other services, so what it could do here has to be asked for by name.
    """
    scopes = tuple(held)
    reserved = frozenset(reserved_among(scopes))
    return tuple(scope for scope in scopes if scope not in reserved)


def common_scopes(one: Iterable[str], other: Iterable[str]) -> frozenset[str]:
    """Return what both grant; of a wildcard and what stands under it, the narrower."""
    ones, others = frozenset(one), frozenset(other)
    return frozenset(
        {scope for scope in ones if grants(others, scope)} | {scope for scope in others if grants(ones, scope)}
    )


def _is_scope(text: str) -> bool:
    return len(text) <= SCOPE_LENGTH_MAXIMUM and _form.fullmatch(text) is not None
