"""Lists the security events of an account for its owner."""

from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.audit.schemas.security_event import SecurityEventOut
from apps.core.authorization.principal import Principal
from apps.core.declarations import internal_kinds
from apps.core.schemas.page import START, CursorPage, CursorQuery, Page, PageQuery


class SecurityEventService:
    """Reads the audit events that concern an account."""

    def __init__(self, events: AuditEventRepository) -> None:
        self._events = events

    async def page(self, actor: Principal, query: PageQuery) -> Page[SecurityEventOut]:
        """Return one page of the events of the caller's own account; raises NotAllowed without a session."""
        actor.require_session()
        rows, total = await self._events.page(actor.owner_id, internal_kinds(), offset=query.offset, size=query.size)
        return Page[SecurityEventOut].of(rows, total, query, SecurityEventOut.of)

    async def after(self, actor: Principal, query: CursorQuery) -> CursorPage[SecurityEventOut]:
        """Return the part of these events at the cursor; raises NotAllowed without a session."""
        actor.require_session()
        rows = await self._events.after(actor.owner_id, internal_kinds(), query.cursor or START, query.size + 1)
        return CursorPage[SecurityEventOut].of(rows, query, SecurityEventOut.of)
