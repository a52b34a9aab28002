"""Exchanges refresh tokens for new tokens."""

from collections.abc import Mapping

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.domain.refresh_token import RefreshToken, read_refresh_token
from apps.authentication.domain.session_rules import RefreshHistory, SessionLifetime
from apps.authentication.models import Session
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.login import TokenPair
from apps.authentication.services.signed_tokens import AccessTokens
from apps.core.authorization.principal import ANONYMOUS
from apps.core.database.transaction import transaction
from apps.core.errors import NotAuthenticated
from apps.users.services.credentials import is_usable
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier


class SessionRefresh:
    """Exchanges refresh tokens for new pairs, and ends sessions when a token is reused (RFC 9700, 4.14.2)."""

    def __init__(
        self,
        sessions: SessionRepository,
        lifetimes: Mapping[str, SessionLifetime],
        tokens: AccessTokens,
        notifier: SecurityNotifier,
        audit: AuditTrail,
    ) -> None:
        self._sessions = sessions
        self._lifetimes = lifetimes
        self._tokens = tokens
        self._notifier = notifier
        self._audit = audit

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Exchange a refresh token for a new pair. Raises NotAuthenticated.

        A token that was spent within RETRY_PERIOD gets the newest pair, for clients that refresh concurrently or lost
        the response. Any other spent token was stolen, by its sender or before by another client: the session ends.
        """
        token = read_refresh_token(refresh_token)
        session = await self._advance(token) if token else None
        if token is None or session is None or not is_usable(session.user):
            raise NotAuthenticated
        return await self._tokens.pair_of(session, token.family)

    async def _advance(self, token: RefreshToken) -> Session | None:
        """Return the token's session, at the next generation if the token was current; None if it is not accepted."""
        async with transaction():
            session = await self._sessions.lock_by_family(token.family_digest)
            if session is None:
                return None
            history = RefreshHistory.of(session)
            if token.generation == session.generation:
                await self._sessions.rotate(session, history.recent(), self._lifetimes[session.kind])
            elif not history.may_retry(token.generation):
                await self._end_stolen(session)
                return None
        return session

    async def _end_stolen(self, session: Session) -> None:
        await self._sessions.revoke([session.pk], "refresh token reused")
        entry = AuditEntry(
            ANONYMOUS,
            "session.reuse_detected",
            "session",
            session.pk,
            subject_id=session.user_id,
            outcome=Outcome.FAILURE,
        )
        await self._audit.record(entry)
        await self._notifier.notify(session.user_id, SecurityNotice.TOKEN_REUSED, str(session.pk))
