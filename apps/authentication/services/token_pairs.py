"""What a session gives whoever holds it."""

from typing import Any

from django.conf import settings

from apps.authentication.models import Session
from apps.authentication.schemas.login import TokenPair
from apps.authentication.services.access_tokens import AccessClaims, AccessTokens
from apps.authentication.services.refresh_tokens import RefreshToken
from apps.core.authorization.authentication_methods import include_second_factor
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.authorization.scopes import scopes_of_roles
from apps.core.values.lifetimes import ACCESS_TOKEN_SECONDS


class TokenPairs:
    """Makes the pair of a session: an access token, signed anew, and the refresh token of its generation."""

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    async def of(self, session: Session, family: bytes) -> TokenPair:
        """Return the pair of the session's current generation; `session.user` must be loaded."""
        claims = AccessClaims(session.user_id, session.pk, tuple(session.methods), session.authenticated_at)
        access_token = await self._tokens.issue(claims, principal_of(session).reserved_scopes)
        refresh_token = RefreshToken(family, session.generation).encode()
        return TokenPair(access_token=access_token, refresh_token=refresh_token, expires_in=ACCESS_TOKEN_SECONDS)


def principal_of(session: Any, *, recently_authenticated: bool = False) -> Principal:
    """Return whoever is signed in by the session, which must come with user, roles and what these give.

    Where staff need a second factor, a session without one has none of their rights.
    """
    is_one_factor = settings.REQUIRE_STAFF_SECOND_FACTOR and not include_second_factor(session.methods)
    return Principal(
        user_id=session.user_id,
        kind=CredentialKind.SESSION,
        is_staff=session.user.is_staff and not is_one_factor,
        is_superuser=session.user.is_superuser and not is_one_factor,
        session_id=session.pk,
        scopes=scopes_of_roles(session.role_scopes),
        roles=frozenset(session.role_names),
        methods=frozenset(session.methods),
        recently_authenticated=recently_authenticated,
        lacks_second_factor=session.user.is_staff and is_one_factor,
    )
