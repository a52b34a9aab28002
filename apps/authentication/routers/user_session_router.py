"""`/users/{id}/sessions`."""

from ninja import Path, Query, Status

from apps.authentication.dependencies import account_sessions
from apps.authentication.schemas.session import SessionOut
from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import Page, PageQuery

router = Router(tags=["authentication"])


@router.get("/{user_id}/sessions", response={200: Page[SessionOut], **errors(404)})
async def list_user_sessions(
    request: AuthenticatedRequest, user_id: Path[Identifier], query: Query[PageQuery]
) -> Page[SessionOut]:
    """List where an account is signed in: one's own, or a customer's as staff."""
    return await account_sessions().page(request.auth, user_id, query)


@router.delete("/{user_id}/sessions", response={204: None, **errors(404)})
async def end_user_sessions(request: AuthenticatedRequest, user_id: Path[Identifier]) -> Status[None]:
    """Sign an account out everywhere, at once: one's own, which asks for fresh proof, or a customer's as staff."""
    await account_sessions().end_all(request.auth, user_id)
    return Status(204, None)


@router.delete("/{user_id}/sessions/{session_id}", response={204: None, **errors(404)})
async def end_user_session(
    request: AuthenticatedRequest, user_id: Path[Identifier], session_id: Path[Identifier]
) -> Status[None]:
    """Sign an account out on one device, at once: one's own, or a customer's as staff.

    Another device of one's own asks for fresh proof.
    """
    await account_sessions().end(request.auth, user_id, session_id)
    return Status(204, None)
