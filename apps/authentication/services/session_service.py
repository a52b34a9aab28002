"""The sessions of accounts, for their owners and for staff."""

from apps.authentication.domain.session_rules import principal_of
from apps.authentication.repositories.live_session_repository import LiveSessionRepository
from apps.authentication.schemas.session import SessionOut, SessionsEnded
from apps.authentication.services.in_transaction.session_revocation import SIGNED_OUT, SessionRevocation
from apps.authentication.services.signed_tokens import AccessTokens
from apps.core.authorization.catalogue import SECURITY_READ, SECURITY_WRITE, STAFF_READ, SYSTEM_WRITE
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.database.transaction import transaction
from apps.core.schemas.page import PAGE_SIZE_MAXIMUM, START, CursorPage, CursorQuery, Page, PageQuery
from apps.users.services.credentials import is_of_staff, is_usable
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.user_service import UserService


class SessionService:
    """Authenticates by access tokens; lists and ends the caller's own sessions."""

    def __init__(self, live: LiveSessionRepository, revocation: SessionRevocation, tokens: AccessTokens) -> None:
        self._live = live
        self._revocation = revocation
        self._tokens = tokens

    async def authenticate(self, access_token: str) -> Principal | None:
        """Return the caller if the token is valid, its session live and its account usable, otherwise None."""
        claims = await self._tokens.read(access_token)
        found = await self._live.find(claims.session_id) if claims else None
        if claims is None or found is None:
            return None
        session = found.session
        if session.user_id != claims.user_id or not is_usable(session.user):
            return None
        return principal_of(session, recently_authenticated=found.recently_authenticated)

    async def logout(self, actor: Principal) -> None:
        """End the caller's session; raises NotFound if it has already ended, NotAllowed without a session."""
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

    async def after(self, actor: Principal, query: CursorQuery) -> CursorPage[SessionOut]:
        """Return the part of the caller's own live sessions at the cursor; raises NotAllowed without a session."""
        current_id = actor.require_session()
        rows = await self._live.after(actor.owner_id, query.cursor or START, query.size + 1)
        return CursorPage[SessionOut].of(rows, query, lambda row: SessionOut.of(row, current_id))


BATCH_SIZE = 500  # ids that one transaction covers, and so the most sessions that it locks
ENDED_BY_STAFF = "ended by staff"
ENDED_WITH_ALL = "all sessions were ended"


class AccountSessions:
    """Lists and ends sessions of the API and the admin. Owners need a session for their own, not an API key.

    Sessions of staff are shown to staff with `staff:read`, and ended as `require_changeable_by` says.
    """

    def __init__(
        self,
        live: LiveSessionRepository,
        revocation: SessionRevocation,
        users: UserService,
        accounts: Accounts,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        self._live = live
        self._revocation = revocation
        self._users = users
        self._accounts = accounts
        self._batch_size = batch_size

    async def page(self, actor: Principal, user_id: int, query: PageQuery) -> Page[SessionOut]:
        """Return one page of the account's live sessions; raises NotAllowed, InsufficientScopes, NotFound."""
        await self._require_readable(actor, user_id)
        rows, total = await self._live.page(user_id, offset=query.offset, size=query.size)
        return Page[SessionOut].of(rows, total, query, lambda row: SessionOut.of(row, actor.session_id))

    async def after(self, actor: Principal, user_id: int, query: CursorQuery) -> CursorPage[SessionOut]:
        """Return the part of the account's live sessions at the cursor; raises as `page` does."""
        await self._require_readable(actor, user_id)
        rows = await self._live.after(user_id, query.cursor or START, query.size + 1)
        return CursorPage[SessionOut].of(rows, query, lambda row: SessionOut.of(row, actor.session_id))

    async def of_customer(self, actor: Principal, user_id: int, *, is_staff: bool) -> list[SessionOut]:
        """Return the newest of an account's live sessions, for callers that have read the account.

        Raises NotAllowed, InsufficientScopes, for those of staff unless the actor may read these.
        """
        actor.require_scope(SECURITY_READ)
        if is_staff and user_id != actor.user_id:
            actor.require_scope(STAFF_READ)
        rows = await self._live.after(user_id, START, PAGE_SIZE_MAXIMUM)
        return [SessionOut.of(row, actor.session_id) for row in rows]

    async def _require_readable(self, actor: Principal, user_id: int) -> None:
        _require_person(actor, user_id)
        await self._users.require_readable(actor, user_id, SECURITY_READ)
        if user_id != actor.user_id and is_of_staff(await self._users.credentials(user_id)):
            actor.require_scope(STAFF_READ)

    async def end(self, actor: Principal, user_id: int, session_id: int) -> None:
        """End one session of the account at once; raises NotAllowed, InsufficientScopes, NotFound, StepUpRequired."""
        _require_person(actor, user_id)
        if session_id != actor.session_id:
            _require_recently_authenticated_owner(actor, user_id)
        async with transaction():
            await self._accounts.lock_for(actor, user_id, SECURITY_WRITE)
            await self._revocation.end(actor, user_id, session_id, _reason(actor, user_id))

    async def end_all(self, actor: Principal, user_id: int) -> None:
        """End every session of the account at once, the caller's too; raises as `end` does."""
        _require_person(actor, user_id)
        _require_recently_authenticated_owner(actor, user_id)
        async with transaction():
            await self._accounts.lock_for(actor, user_id, SECURITY_WRITE)
            await self._revocation.end_all(actor, user_id, _reason(actor, user_id))

    async def end_of_all_accounts(self, actor: Principal) -> SessionsEnded:
        """End every session that is live now; raises NotAllowed, InsufficientScopes.

        Each batch commits separately, so that an interrupted run can be repeated. Sessions that begin meanwhile stay.
        """
        actor.require_scope(SYSTEM_WRITE)
        ids = await self._live.ids()
        total = 0
        for start in ids[:: self._batch_size]:
            batch = range(start, min(start + self._batch_size, ids.stop))
            async with transaction():
                total += await self._revocation.end_between(actor, batch, ENDED_WITH_ALL)
        return SessionsEnded(sessions=total)


def _require_person(actor: Principal, user_id: int) -> None:
    """Keep API keys from the sessions of their own account."""
    if user_id == actor.user_id and actor.kind is CredentialKind.API_KEY:
        actor.require_session()


def _require_recently_authenticated_owner(actor: Principal, user_id: int) -> None:
    """Raise StepUpRequired for the owner: a stolen session must not end the owner's other sessions."""
    if actor.user_id == user_id and actor.session_id is not None:
        actor.require_recent_authentication()


def _reason(actor: Principal, user_id: int) -> str:
    return SIGNED_OUT if actor.user_id == user_id else ENDED_BY_STAFF
