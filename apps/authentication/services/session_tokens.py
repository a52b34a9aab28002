"""Reads the tokens of sessions without spending them."""

from dataclasses import dataclass
from datetime import datetime

from apps.authentication.domain.refresh_token import read_refresh_token
from apps.authentication.domain.session_rules import principal_of
from apps.authentication.repositories.live_session_repository import LiveSession, LiveSessionRepository
from apps.authentication.services.signed_tokens import AccessTokens
from apps.core.authorization.principal import Principal
from apps.users.services.credentials import is_usable


@dataclass(frozen=True, slots=True)
class SessionToken:
    """The caller that a token authenticates, and its times, in seconds since 1970.

    Access tokens have a `token_id`. A refresh token `is_spent` when its session has a later one.
    """

    principal: Principal
    authenticated_at: int | None
    issued_at: int
    expires_at: int
    token_id: str | None = None
    is_spent: bool = False


class SessionTokens:
    """Reads tokens of live sessions and usable accounts."""

    def __init__(self, live: LiveSessionRepository, tokens: AccessTokens) -> None:
        self._live = live
        self._tokens = tokens

    async def of_access_token(self, token: str) -> SessionToken | None:
        """Return the content of an access token if it is valid, otherwise None."""
        claims = await self._tokens.read(token)
        values = await self._tokens.verify(token)
        live = await self._find(claims.session_id) if claims else None
        if claims is None or values is None or live is None or live.session.user_id != claims.user_id:
            return None
        return _session_token(live, int(values["iat"]), int(values["exp"]), token_id=values.get("jti"))

    async def of_refresh_token(self, token: str) -> SessionToken | None:
        """Return the content of a refresh token that Keyhouse has issued, spent or not, otherwise None."""
        refresh = read_refresh_token(token)
        session_id = await self._live.find_id_of_family(refresh.family_digest) if refresh else None
        live = await self._find(session_id) if session_id else None
        if refresh is None or live is None:
            return None
        session = live.session
        issued_at, is_spent = session.rotated_at or session.created_at, refresh.generation != session.generation
        return _session_token(live, _unix_seconds(issued_at), _unix_seconds(session.expires_at), is_spent=is_spent)

    async def _find(self, session_id: int) -> LiveSession | None:
        live = await self._live.find(session_id)
        return live if live and is_usable(live.session.user) else None


def _session_token(
    live: LiveSession, issued_at: int, expires_at: int, *, token_id: str | None = None, is_spent: bool = False
) -> SessionToken:
    session = live.session
    principal = principal_of(session, recently_authenticated=live.recently_authenticated)
    authenticated_at = _unix_seconds(session.authenticated_at) if session.authenticated_at else None
    return SessionToken(principal, authenticated_at, issued_at, expires_at, token_id, is_spent)


def _unix_seconds(time: datetime) -> int:
    return int(time.timestamp())
