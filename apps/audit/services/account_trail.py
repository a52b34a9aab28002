"""One trail of everything that was done to and by an account, for staff."""

from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.audit.schemas.trail_event import TrailEventOut
from apps.core.authorization.catalogue import AUDIT_READ
from apps.core.authorization.principal import Principal
from apps.core.schemas.page import START, CursorPage, CursorQuery


class AccountTrail:
    """Reads the audit trail of one account. Whether the account exists is not checked: its events stay."""

    def __init__(self, events: AuditEventRepository) -> None:
        self._events = events

    async def part(self, actor: Principal, user_id: int, query: CursorQuery) -> CursorPage[TrailEventOut]:
        """Return the part at the cursor, newest first; raises NotAllowed, InsufficientScopes."""
        actor.require_scope(AUDIT_READ)
        rows = await self._events.trail(user_id, query.cursor or START, query.size + 1)
        return CursorPage[TrailEventOut].of(rows, query, TrailEventOut.of)

    async def end_of_access(self, actor: Principal, user_id: int) -> TrailEventOut | None:
        """Return the event that last suspended or deleted the account, or None if there is none.

        Raises NotAllowed, InsufficientScopes.
        """
        actor.require_scope(AUDIT_READ)
        event = await self._events.find_end_of_access(user_id)
        return None if event is None else TrailEventOut.of(event)
