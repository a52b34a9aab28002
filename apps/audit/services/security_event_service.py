"""Lists the security events of an account for its owner."""

from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.audit.schemas.security_event import SecurityEventOut
from apps.core.authorization.principal import Principal
from apps.core.schemas.page import Page, PageQuery


class SecurityEventService:
    """Reads the audit events that concern an account."""

    def __init__(self, events: AuditEventRepository) -> None:
        self._events = events

    async def page(self, actor: Principal, query: PageQuery) -> Page[SecurityEventOut]:
        """Return one page of the events of the caller's own account; raises NotAllowed without a session."""
        actor.require_session()
        rows, total = await self._events.page(actor.owner_id, offset=query.offset, size=query.size)
        return Page[SecurityEventOut].of(rows, total, query, SecurityEventOut.of)
