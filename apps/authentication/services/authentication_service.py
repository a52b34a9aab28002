"""Signing in and out."""

from typing import Any

from apps.authentication.models import Session
from apps.authentication.repositories.session_repository import NewSession, SessionRepository
from apps.authentication.schemas import LoginRequest, PasswordChange, SessionOut, TokenPair
from apps.authentication.services.access_tokens import ACCESS_TOKEN_SECONDS, AccessClaims, AccessTokens
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.refresh_tokens import RefreshToken, new_family, read_refresh_token
from apps.core.errors import NotAuthenticated, WrongPassword
from apps.core.request_context import current_request
from apps.core.schemas.page import Page, PageQuery
from apps.core.security.audit_entry import AuditEntry
from apps.core.security.passwords import hash_password
from apps.core.security.principal import CredentialKind, Principal
from apps.core.security.scopes import scopes_of_roles
from apps.users.services.credentials import is_usable
from apps.users.services.password_policy import check_new_password
from apps.users.services.user_service import UserService

WRONG_CREDENTIALS = "The e-mail address or the password is wrong."


class AuthenticationService:
    """Turns passwords and refresh tokens into sessions, and access tokens into principals."""

    def __init__(
        self, sessions: SessionRepository, tokens: AccessTokens, passwords: PasswordCheck, users: UserService
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._passwords = passwords
        self._users = users

    async def login(self, request: LoginRequest) -> TokenPair:
        """Start a session; raises NotAuthenticated, or TooManyRequests when locked."""
        credentials = await self._passwords.sign_in(request.email, request.password.get_secret_value())
        if credentials is None:
            raise NotAuthenticated(WRONG_CREDENTIALS, code="WRONG_CREDENTIALS")
        context, token = current_request(), new_family()
        new = NewSession(
            user_id=credentials.user_id,
            family_digest=token.family_digest,
            user_agent=context.user_agent,
            ip_address=context.client_address,
            password_hash=credentials.password_hash,
        )
        session = await self._sessions.start(new, _audit(credentials.user_id, "session.started"))
        return await self._pair(session, token)

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Spend a refresh token for a new pair; raises NotAuthenticated.

        The token before the newest gets the newest again for a moment, for clients that refresh twice at once or have
        lost the answer. Any other spent token is a thief's, or its owner's after a thief: the session ends.
        """
        token = read_refresh_token(refresh_token)
        if token is None:
            raise NotAuthenticated
        reuse = _audit(None, "session.reuse_detected")
        session = await self._sessions.advance(token.family_digest, token.generation, reuse)
        if session is None or not is_usable(session.user):
            raise NotAuthenticated
        return await self._pair(session, RefreshToken(token.family, session.generation))

    async def authenticate(self, access_token: str) -> Principal | None:
        """Return the caller whom a genuine token names, if its session and account still hold, else None."""
        claims = await self._tokens.read(access_token)
        session = await self._sessions.find_live(claims.session_id) if claims else None
        if claims is None or session is None or session.user_id != claims.user_id or not is_usable(session.user):
            return None
        return _principal(session)

    async def logout(self, actor: Principal) -> None:
        """End the caller's session; its access token stops working at once."""
        await self.end_session(actor, actor.require_session())

    async def end_session(self, actor: Principal, session_id: int) -> None:
        """End one of the caller's own sessions; raises NotFound."""
        actor.require_session()
        audit = AuditEntry(actor, "session.ended", "session")
        await self._sessions.revoke(session_id, actor.owner_id, audit)

    async def end_sessions(self, actor: Principal, *, everywhere: bool) -> None:
        """End every other session of the caller, and with `everywhere` the caller's own too."""
        kept_id = actor.require_session()
        audit = AuditEntry(actor, "sessions.ended", "user", after={"everywhere": everywhere})
        await self._sessions.revoke_all(actor.owner_id, None if everywhere else kept_id, audit)

    async def sessions(self, actor: Principal, query: PageQuery) -> Page[SessionOut]:
        """Return one page of the caller's own live sessions."""
        current_id = actor.require_session()
        rows, total = await self._sessions.page(actor.owner_id, offset=query.offset, size=query.size)
        return Page[SessionOut].of(rows, total, query, lambda row: SessionOut.of(row, current_id))

    async def change_password(self, actor: Principal, change: PasswordChange) -> None:
        """Set a new password and end every other session.

        Raises WrongPassword, ValidationFailed for a weak new password, TooManyRequests when locked.
        """
        await self._change_password(actor, change, actor.require_session())

    async def change_staff_password(self, actor: Principal, change: PasswordChange) -> None:
        """Set a new password for somebody signed in to the admin, and end every session of the API.

        Raises what `change_password` raises.
        """
        await self._change_password(actor, change, None)

    async def _change_password(self, actor: Principal, change: PasswordChange, kept_id: int | None) -> None:
        credentials = await self._users.credentials(actor.owner_id)
        if not await self._passwords.confirms(credentials, change.current_password.get_secret_value()):
            raise WrongPassword
        new = change.new_password.get_secret_value()
        account = {"email": credentials.email, "username": credentials.username, "full_name": credentials.full_name}
        await check_new_password(new, field="new_password", **account)
        audit = AuditEntry(actor, "user.password_changed", "user")
        await self._sessions.change_password(actor.owner_id, await hash_password(new), kept_id, audit)

    async def _pair(self, session: Session, token: RefreshToken) -> TokenPair:
        scopes = _principal(session).reserved_scopes
        access_token = await self._tokens.issue(AccessClaims(session.user_id, session.pk), scopes)
        return TokenPair(access_token=access_token, refresh_token=token.encode(), expires_in=ACCESS_TOKEN_SECONDS)


def _principal(session: Any) -> Principal:
    # With what SessionRepository annotates: roles and what they give.
    return Principal(
        user_id=session.user_id,
        kind=CredentialKind.SESSION,
        is_staff=session.user.is_staff,
        is_superuser=session.user.is_superuser,
        session_id=session.pk,
        scopes=scopes_of_roles(session.role_scopes),
        roles=frozenset(session.role_names),
    )


def _audit(user_id: int | None, action: str) -> AuditEntry:
    return AuditEntry(Principal(user_id=user_id, kind=CredentialKind.SESSION), action, "session")
