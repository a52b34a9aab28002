"""`/auth/events`."""

from ninja import Query

from apps.audit.dependencies import security_event_service
from apps.audit.schemas.security_event import SecurityEventOut
from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router
from apps.core.schemas.page import CursorPage, CursorQuery, Page

router = Router(tags=["authentication"])


@router.get("/events", response={200: Page[SecurityEventOut] | CursorPage[SecurityEventOut]})
async def list_security_events(
    request: AuthenticatedRequest, query: Query[CursorQuery]
) -> Page[SecurityEventOut] | CursorPage[SecurityEventOut]:
    """List the security events of your own account, newest first: sign-ins, failed sign-ins and changes."""
    if query.cursor is not None:
        return await security_event_service().after(request.auth, query)
    return await security_event_service().page(request.auth, query)
