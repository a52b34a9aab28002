"""The sessions of accounts, for their owners and for staff."""

from apps.authentication.repositories.live_session_repository import LiveSessionRepository
from apps.authentication.schemas.session import SessionOut, SessionsEnded
from apps.authentication.services.in_transaction.session_revocation import SIGNED_OUT, SessionRevocation
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.schemas.page import Page, PageQuery
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.user_service import UserService

BATCH_SIZE = 500  # ids that one transaction covers, and so the most sessions that it locks
ENDED_BY_STAFF = "ended by staff"
ENDED_WITH_ALL = "all sessions were ended"


class AccountSessions:
    """Lists and ends sessions of the API and the admin. Those of staff only they themselves and superusers may see."""

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
        """Return one page of the account's live sessions; raises NotAllowed, NotFound."""
        _require_person_or_staff(actor)
        await self._users.require(actor, user_id)
        await self._users.require_changeable(actor, user_id)
        rows, total = await self._live.page(user_id, offset=query.offset, size=query.size)
        return Page[SessionOut].of(rows, total, query, lambda row: SessionOut.of(row, actor.session_id))

    async def end(self, actor: Principal, user_id: int, session_id: int) -> None:
        """End one session of the account at once; raises NotAllowed, NotFound, StepUpRequired."""
        _require_person_or_staff(actor)
        if session_id != actor.session_id:
            _require_recently_authenticated_owner(actor, user_id)
        async with transaction():
            await self._accounts.lock_for(actor, user_id)
            await self._revocation.end(actor, user_id, session_id, _reason(actor, user_id))

    async def end_all(self, actor: Principal, user_id: int) -> None:
        """End every session of the account at once, the caller's too; raises NotAllowed, NotFound, StepUpRequired."""
        _require_person_or_staff(actor)
        _require_recently_authenticated_owner(actor, user_id)
        async with transaction():
            await self._accounts.lock_for(actor, user_id)
            await self._revocation.end_all(actor, user_id, _reason(actor, user_id))

    async def end_of_all_accounts(self, actor: Principal) -> SessionsEnded:
        """End every session that is live now; raises NotAllowed unless the actor is a superuser.

        Each batch commits on its own, so that an interrupted run is repeated. Sessions that begin meanwhile stay.
        """
        actor.require_superuser()
        ids = await self._live.ids()
        total = 0
        for start in ids[:: self._batch_size]:
            batch = range(start, min(start + self._batch_size, ids.stop))
            async with transaction():
                total += await self._revocation.end_between(actor, batch, ENDED_WITH_ALL)
        return SessionsEnded(sessions=total)


def _require_person_or_staff(actor: Principal) -> None:
    if not actor.acts_as_staff:
        actor.require_session()


def _require_recently_authenticated_owner(actor: Principal, user_id: int) -> None:
    """Keep a stolen session from ending the others, which are the owner's."""
    if actor.user_id == user_id and actor.session_id is not None:
        actor.require_recent_authentication()


def _reason(actor: Principal, user_id: int) -> str:
    return SIGNED_OUT if actor.user_id == user_id else ENDED_BY_STAFF
