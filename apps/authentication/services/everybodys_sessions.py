"""The sessions of all accounts."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.session import SessionsEnded
from apps.core.authorization.principal import Principal

BATCH_SIZE = 500  # ids a transaction looks at, and so sessions that it locks
ENDED_WITH_ALL = "all sessions were ended"


class EverybodysSessions:
    """Signs everybody out: for when it is not known whose sessions have been stolen."""

    def __init__(self, sessions: SessionRepository, batch_size: int = BATCH_SIZE) -> None:
        self._sessions = sessions
        self._batch_size = batch_size

    async def end(self, actor: Principal) -> SessionsEnded:
        """End every session that is live now, at both doors; raises NotAllowed unless the actor is a superuser.

        It is done in batches, each committed for itself: who is interrupted begins again. Who signs in meanwhile stays.
        """
        actor.require_superuser()
        audit = AuditEntry(actor, "sessions.ended", "user", after={"everywhere": True})
        ids = await self._sessions.live_ids()
        total = 0
        for start in ids[:: self._batch_size]:
            batch = range(start, min(start + self._batch_size, ids.stop))
            total += await self._sessions.revoke_among(batch, audit, ENDED_WITH_ALL)
        return SessionsEnded(sessions=total)
