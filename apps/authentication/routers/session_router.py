"""Sessions: the caller's own under `/auth/sessions`, those of any account under `/users/{id}/sessions`."""

from ninja import Path, Query, Status

from apps.authentication.dependencies import account_sessions, session_service
from apps.authentication.schemas.session import SessionOut, SessionsEndQuery
from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import CursorPage, CursorQuery, Page

router = Router(tags=["authentication"])
user_router = Router(tags=["authentication"])


@router.get("/sessions", response={200: Page[SessionOut] | CursorPage[SessionOut]})
async def list_sessions(
    request: AuthenticatedRequest, query: Query[CursorQuery]
) -> Page[SessionOut] | CursorPage[SessionOut]:
    """List the sessions of your own account."""
    if query.cursor is not None:
        return await session_service().after(request.auth, query)
    return await session_service().page(request.auth, query)


@router.delete("/sessions", response={204: None})
async def end_sessions(request: AuthenticatedRequest, query: Query[SessionsEndQuery]) -> Status[None]:
    """End all other sessions of your own account; with `everywhere=true` the current session too.

    Requires re-authentication (`STEP_UP_REQUIRED`).
    """
    await session_service().end_others(request.auth, everywhere=query.everywhere)
    return Status(204, None)


@router.delete("/sessions/{session_id}", response={204: None, **errors(404)})
async def end_session(request: AuthenticatedRequest, session_id: Path[Identifier]) -> Status[None]:
    """End a session of your own account. Its tokens stop working at once.

    Requires re-authentication (`STEP_UP_REQUIRED`), except for the current session.
    """
    await session_service().end(request.auth, session_id)
    return Status(204, None)


@user_router.get("/{user_id}/sessions", response={200: Page[SessionOut] | CursorPage[SessionOut], **errors(404)})
async def list_user_sessions(
    request: AuthenticatedRequest, user_id: Path[Identifier], query: Query[CursorQuery]
) -> Page[SessionOut] | CursorPage[SessionOut]:
    """List the sessions of an account. Accounts other than your own require the scope `security:read`."""
    if query.cursor is not None:
        return await account_sessions().after(request.auth, user_id, query)
    return await account_sessions().page(request.auth, user_id, query)


@user_router.delete("/{user_id}/sessions", response={204: None, **errors(404)})
async def end_user_sessions(
    request: AuthenticatedRequest, user_id: Path[Identifier], given: ReasonedRequest | None = None
) -> Status[None]:
    """End all sessions of an account at once. Accounts other than your own require the scope `security:write`.

    For your own account this requires re-authentication (`STEP_UP_REQUIRED`).
    """
    await account_sessions().end_all(request.auth.because(reason_in(given)), user_id)
    return Status(204, None)


@user_router.delete("/{user_id}/sessions/{session_id}", response={204: None, **errors(404)})
async def end_user_session(
    request: AuthenticatedRequest,
    user_id: Path[Identifier],
    session_id: Path[Identifier],
    given: ReasonedRequest | None = None,
) -> Status[None]:
    """End a session of an account at once. Accounts other than your own require the scope `security:write`.

    Another session of your own account requires re-authentication (`STEP_UP_REQUIRED`).
    """
    await account_sessions().end(request.auth.because(reason_in(given)), user_id, session_id)
    return Status(204, None)
