"""`/invitations`."""

from ninja import Path, Query, Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import CursorPage, CursorQuery, Page
from apps.users.dependencies import invitation_service
from apps.users.schemas.invitation import InvitationCreate, InvitationOut

router = Router(tags=["users"])


@router.post("", response={201: InvitationOut, **errors(409)})
async def create_invitation(request: AuthenticatedRequest, new: InvitationCreate) -> Status[InvitationOut]:
    """Invite a person by mail. The link is valid for seven days. 403 if `REGISTRATION` is `off`.

    Requires the scope `customers:write`.
    """
    return Status(201, await invitation_service().invite(request.auth, new))


@router.get("", response={200: Page[InvitationOut] | CursorPage[InvitationOut]})
async def list_invitations(
    request: AuthenticatedRequest, query: Query[CursorQuery]
) -> Page[InvitationOut] | CursorPage[InvitationOut]:
    """List the invitations, newest first. Requires the scope `customers:read`."""
    if query.cursor is not None:
        return await invitation_service().after(request.auth, query)
    return await invitation_service().page(request.auth, query)


@router.post("/{invitation_id}/resend", response={200: InvitationOut, **errors(404, 409)})
async def resend_invitation(
    request: AuthenticatedRequest, invitation_id: Path[Identifier], given: ReasonedRequest | None = None
) -> InvitationOut:
    """Send an invitation again. Requires the scope `customers:write`. It is valid for seven days from now.

    One that gives rights requires what giving them required: `staff:manage`, the scopes of its roles, and
    re-authentication (`STEP_UP_REQUIRED`).
    """
    return await invitation_service().resend(request.auth.because(reason_in(given)), invitation_id)


@router.delete("/{invitation_id}", response={204: None, **errors(404)})
async def revoke_invitation(
    request: AuthenticatedRequest, invitation_id: Path[Identifier], given: ReasonedRequest | None = None
) -> Status[None]:
    """Revoke an invitation. Requires the scope `customers:write`. Its links become invalid."""
    await invitation_service().revoke(request.auth.because(reason_in(given)), invitation_id)
    return Status(204, None)
