"""Principals for calling services."""

from typing import Any

from apps.core.authorization.catalogue import EVERYONES_SCOPES, RESERVED_SCOPES
from apps.core.authorization.principal import CredentialKind, Principal


def session_of(user_id: int, **fields: Any) -> Principal:
    """Return the principal of a signed-in user, who holds the scopes of everyone and those in `scopes`.

    A superuser is staff, and holds all.
    """
    given = fields.pop("scopes", frozenset())
    superuser = {"is_staff": True} if fields.get("is_superuser") else {}
    scopes = RESERVED_SCOPES if superuser else EVERYONES_SCOPES | given
    fields = {"session_id": 7, "scopes": scopes, **superuser, **fields}
    return Principal(user_id=user_id, kind=CredentialKind.SESSION, **fields)


def staff_of(user_id: int, *scopes: str, **fields: Any) -> Principal:
    """Return the principal of a signed-in staff member who is not a superuser, with these scopes of staff."""
    return session_of(user_id, is_staff=True, scopes=frozenset(scopes), **fields)


def key_of(user_id: int, *scopes: str, **fields: Any) -> Principal:
    """Return the principal of one of the user's API keys."""
    return Principal(
        user_id=user_id, kind=CredentialKind.API_KEY, scopes=frozenset(scopes), **{"api_key_id": 8, **fields}
    )
