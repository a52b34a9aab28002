"""The sessions of an account, for its owner and for staff."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.authentication.repositories.session_repository import SIGNED_OUT, SessionRepository
from apps.authentication.schemas.session import SessionOut
from apps.core.authorization.principal import Principal
from apps.core.schemas.page import Page, PageQuery
from apps.users.services.user_service import UserService

ENDED_BY_STAFF = "ended by staff"


class AccountSessions:
    """Lists and ends sessions at both doors. Those of staff are their own and the superusers' to see."""

    def __init__(self, sessions: SessionRepository, users: UserService) -> None:
        self._sessions = sessions
        self._users = users

    async def page(self, actor: Principal, user_id: int, query: PageQuery) -> Page[SessionOut]:
        """Return one page of the account's live sessions; raises NotAllowed, NotFound."""
        await self._require(actor, user_id)
        rows, total = await self._sessions.page(user_id, offset=query.offset, size=query.size)
        return Page[SessionOut].of(rows, total, query, lambda row: SessionOut.of(row, actor.session_id))

    async def end(self, actor: Principal, user_id: int, session_id: int) -> None:
        """End one session of the account at once; raises NotAllowed, NotFound, StepUpRequired."""
        await self._require(actor, user_id)
        if session_id != actor.session_id:
            _require_proof_of_the_owner(actor, user_id)
        audit = AuditEntry(actor, "session.ended", "session")
        await self._sessions.revoke(session_id, user_id, audit, _reason(actor, user_id))

    async def end_all(self, actor: Principal, user_id: int) -> None:
        """End every session of the account at once, the caller's too; raises NotAllowed, NotFound, StepUpRequired."""
        await self._require(actor, user_id)
        _require_proof_of_the_owner(actor, user_id)
        audit = AuditEntry(actor, "sessions.ended", "user", after={"everywhere": True})
        await self._sessions.revoke_all(user_id, None, audit, _reason(actor, user_id))

    async def _require(self, actor: Principal, user_id: int) -> None:
        if not actor.acts_as_staff:
            actor.require_session()
        await self._users.require(actor, user_id)
        await self._users.require_changeable(actor, user_id)


def _require_proof_of_the_owner(actor: Principal, user_id: int) -> None:
    """Keep whoever has stolen a session from ending the others, the owner's."""
    if actor.user_id == user_id and actor.session_id is not None:
        actor.require_recent_authentication()


def _reason(actor: Principal, user_id: int) -> str:
    return SIGNED_OUT if actor.user_id == user_id else ENDED_BY_STAFF
