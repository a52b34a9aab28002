"""Ends sessions, with their audit events."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.repositories.session_repository import SessionRepository
from apps.core.authorization.principal import Principal

SIGNED_OUT = "signed out"


class SessionRevocation:
    """Revokes sessions in the caller's transaction; their tokens stop working when it commits.

    Sessions are locked before they are revoked, so that only one of several concurrent requests ends a session.
    """

    def __init__(self, sessions: SessionRepository, audit: AuditTrail) -> None:
        self._sessions = sessions
        self._audit = audit

    async def end(self, actor: Principal, user_id: int, session_id: int, reason: str = SIGNED_OUT) -> None:
        """End one session of the account; raises NotFound when the account has no live session with this id."""
        await self._sessions.lock(session_id, user_id)
        await self._sessions.revoke([session_id], reason)
        await self._audit.record(AuditEntry(actor, "session.ended", "session", session_id, subject_id=user_id))

    async def end_all(
        self, actor: Principal, user_id: int, reason: str = SIGNED_OUT, *, kept_id: int | None = None
    ) -> None:
        """End every session of the account except `kept_id`; records nothing when there is none."""
        ended = await self.revoke_all(user_id, reason, kept_id=kept_id)
        if ended:
            await self._record(actor, user_id, ended, everywhere=kept_id is None)

    async def end_between(self, actor: Principal, ids: range, reason: str) -> int:
        """End all accounts' sessions with ids in the range, with one event per account; return their number."""
        sessions = await self._sessions.lock_between(ids)
        await self._sessions.revoke([session.pk for session in sessions], reason)
        for user_id in sorted({session.user_id for session in sessions}):
            ended = [session.pk for session in sessions if session.user_id == user_id]
            await self._record(actor, user_id, ended, everywhere=True)
        return len(sessions)

    async def revoke_all(self, user_id: int, reason: str, *, kept_id: int | None = None) -> list[int]:
        """End every session of the account except `kept_id` without an event, and return their ids."""
        ids = [session.pk for session in await self._sessions.lock_of_account(user_id) if session.pk != kept_id]
        await self._sessions.revoke(ids, reason)
        return ids

    async def _record(self, actor: Principal, user_id: int, ids: list[int], *, everywhere: bool) -> None:
        after = {"everywhere": everywhere, "session_ids": ids}
        await self._audit.record(AuditEntry(actor, "sessions.ended", "user", user_id, after=after))
