"""What the tokens of sessions stand for, without using them."""

from dataclasses import dataclass
from datetime import datetime

from apps.authentication.repositories.session_repository import LiveSession, SessionRepository
from apps.authentication.services.access_tokens import AccessTokens
from apps.authentication.services.refresh_tokens import read_refresh_token
from apps.authentication.services.token_pairs import principal_of
from apps.core.authorization.principal import Principal
from apps.users.services.credentials import is_usable


@dataclass(frozen=True, slots=True)
class SessionToken:
    """Whose session a token is of, and its times, in seconds since 1970.

    `token_id` is an access token's. `is_spent` says of a refresh token that its session has gone on to a later one.
    """

    principal: Principal
    authenticated_at: int
    issued_at: int
    expires_at: int
    token_id: str | None = None
    is_spent: bool = False


class SessionTokens:
    """Looks at tokens whose session and account still hold."""

    def __init__(self, sessions: SessionRepository, tokens: AccessTokens) -> None:
        self._sessions = sessions
        self._tokens = tokens

    async def of_access_token(self, token: str) -> SessionToken | None:
        """Return what a genuine, current access token stands for, else None."""
        claims = await self._tokens.read(token)
        said = await self._tokens.verify(token)
        live = await self._live(claims.session_id) if claims else None
        if claims is None or said is None or live is None or live.session.user_id != claims.user_id:
            return None
        return _session_token(live, int(said["iat"]), int(said["exp"]), token_id=said.get("jti"))

    async def of_refresh_token(self, token: str) -> SessionToken | None:
        """Return what a refresh token that we made stands for, spent or not, else None; it stays as it is."""
        refresh = read_refresh_token(token)
        session_id = await self._sessions.id_of_family(refresh.family_digest) if refresh else None
        live = await self._live(session_id) if session_id else None
        if refresh is None or live is None:
            return None
        session = live.session
        issued_at, is_spent = session.rotated_at or session.created_at, refresh.generation != session.generation
        return _session_token(live, _seconds(issued_at), _seconds(session.expires_at), is_spent=is_spent)

    async def _live(self, session_id: int) -> LiveSession | None:
        live = await self._sessions.find_live(session_id)
        return live if live and is_usable(live.session.user) else None


def _session_token(
    live: LiveSession, issued_at: int, expires_at: int, *, token_id: str | None = None, is_spent: bool = False
) -> SessionToken:
    session, recently_authenticated = live
    principal = principal_of(session, recently_authenticated=recently_authenticated)
    return SessionToken(principal, _seconds(session.authenticated_at), issued_at, expires_at, token_id, is_spent)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
