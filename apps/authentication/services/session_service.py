"""The sessions of callers: authenticating requests by their access tokens, and signing out."""

from apps.authentication.domain.session_rules import principal_of
from apps.authentication.repositories.live_session_repository import LiveSessionRepository
from apps.authentication.schemas.session import SessionOut
from apps.authentication.services.in_transaction.session_revocation import SessionRevocation
from apps.authentication.services.signed_tokens import AccessTokens
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.schemas.page import Page, PageQuery
from apps.users.services.credentials import is_usable


class SessionService:
    """Authenticates by access tokens; lists and ends the caller's own sessions."""

    def __init__(self, live: LiveSessionRepository, revocation: SessionRevocation, tokens: AccessTokens) -> None:
        self._live = live
        self._revocation = revocation
        self._tokens = tokens

    async def authenticate(self, access_token: str) -> Principal | None:
        """Return the caller of a genuine token if its session is live and its account usable, else None."""
        claims = await self._tokens.read(access_token)
        found = await self._live.find(claims.session_id) if claims else None
        if claims is None or found is None:
            return None
        session = found.session
        if session.user_id != claims.user_id or not is_usable(session.user):
            return None
        return principal_of(session, recently_authenticated=found.recently_authenticated)

    async def logout(self, actor: Principal) -> None:
        """End the caller's session; raises NotFound when it has ended meanwhile, NotAllowed without a session."""
        await self.end(actor, actor.require_session())

    async def end(self, actor: Principal, session_id: int) -> None:
        """End one of the caller's own sessions; raises NotFound, and StepUpRequired unless it is the current one."""
        if session_id != actor.require_session():
            actor.require_recent_authentication()
        async with transaction():
            await self._revocation.end(actor, actor.owner_id, session_id)

    async def end_others(self, actor: Principal, *, everywhere: bool) -> None:
        """End every other session of the caller, and with `everywhere` the current one too; raises StepUpRequired."""
        current_id = actor.require_session()
        actor.require_recent_authentication()
        async with transaction():
            await self._revocation.end_all(actor, actor.owner_id, kept_id=None if everywhere else current_id)

    async def page(self, actor: Principal, query: PageQuery) -> Page[SessionOut]:
        """Return one page of the caller's own live sessions; raises NotAllowed without a session."""
        current_id = actor.require_session()
        rows, total = await self._live.page(actor.owner_id, offset=query.offset, size=query.size)
        return Page[SessionOut].of(rows, total, query, lambda row: SessionOut.of(row, current_id))
