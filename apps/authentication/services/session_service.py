"""Sessions that go on, and end."""

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.login import TokenPair
from apps.authentication.schemas.session import SessionOut
from apps.authentication.services.access_tokens import AccessTokens
from apps.authentication.services.refresh_tokens import read_refresh_token
from apps.authentication.services.token_pairs import TokenPairs, principal_of
from apps.core.authorization.principal import ANONYMOUS, Principal
from apps.core.errors import NotAuthenticated
from apps.core.schemas.page import Page, PageQuery
from apps.users.services.credentials import is_usable


class SessionService:
    """Turns access tokens into principals and refresh tokens into new ones, and signs people out."""

    def __init__(self, sessions: SessionRepository, tokens: AccessTokens, pairs: TokenPairs) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._pairs = pairs

    async def authenticate(self, access_token: str) -> Principal | None:
        """Return the caller whom a genuine token names, if its session and account still hold, else None."""
        claims = await self._tokens.read(access_token)
        found = await self._sessions.find_live(claims.session_id) if claims else None
        if claims is None or found is None:
            return None
        session, recently_authenticated = found
        if session.user_id != claims.user_id or not is_usable(session.user):
            return None
        return principal_of(session, recently_authenticated=recently_authenticated)

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Spend a refresh token for a new pair; raises NotAuthenticated.

        A token that was spent a moment ago gets the newest again, for clients that refresh twice at once or have lost
        the answer. Any other spent token is a thief's, or its owner's after a thief: the session ends.
        """
        token = read_refresh_token(refresh_token)
        if token is None:
            raise NotAuthenticated
        reuse = AuditEntry(ANONYMOUS, "session.reuse_detected", "session", outcome=Outcome.FAILURE)
        session = await self._sessions.advance(token.family_digest, token.generation, reuse)
        if session is None or not is_usable(session.user):
            raise NotAuthenticated
        return await self._pairs.of(session, token.family)

    async def logout(self, actor: Principal) -> None:
        """End the caller's session; its access token stops working at once."""
        await self.end(actor, actor.require_session())

    async def end(self, actor: Principal, session_id: int) -> None:
        """End one of the caller's own sessions; raises NotFound, and StepUpRequired unless it is the one that asks."""
        if session_id != actor.require_session():
            actor.require_recent_authentication()
        audit = AuditEntry(actor, "session.ended", "session")
        await self._sessions.revoke(session_id, actor.owner_id, audit)

    async def end_others(self, actor: Principal, *, everywhere: bool) -> None:
        """End every other session of the caller, and with `everywhere` the caller's own too; raises StepUpRequired."""
        kept_id = actor.require_session()
        actor.require_recent_authentication()
        audit = AuditEntry(actor, "sessions.ended", "user", after={"everywhere": everywhere})
        await self._sessions.revoke_all(actor.owner_id, None if everywhere else kept_id, audit)

    async def page(self, actor: Principal, query: PageQuery) -> Page[SessionOut]:
        """Return one page of the caller's own live sessions."""
        current_id = actor.require_session()
        rows, total = await self._sessions.page(actor.owner_id, offset=query.offset, size=query.size)
        return Page[SessionOut].of(rows, total, query, lambda row: SessionOut.of(row, current_id))
