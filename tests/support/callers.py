"""Principals for calling services."""

from typing import Any

from apps.core.authorization.principal import CredentialKind, Principal


def session_of(user_id: int, **fields: Any) -> Principal:
    """Return the principal of a signed-in user."""
    return Principal(user_id=user_id, kind=CredentialKind.SESSION, **{"session_id": 7, **fields})


def staff_of(user_id: int, **fields: Any) -> Principal:
    """Return the principal of a signed-in staff member who is not a superuser."""
    return session_of(user_id, is_staff=True, **fields)


def key_of(user_id: int, *scopes: str, **fields: Any) -> Principal:
    """Return the principal of one of the user's API keys."""
    return Principal(
        user_id=user_id, kind=CredentialKind.API_KEY, scopes=frozenset(scopes), **{"api_key_id": 8, **fields}
    )
