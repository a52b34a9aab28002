"""`/users/{id}/notes`."""

from ninja import Path, Query, Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.idempotency_keys import IDEMPOTENCY_KEY, idempotency_key
from apps.core.http.responses import Router, errors
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import CursorPage, CursorQuery, Page
from apps.users.dependencies import note_service
from apps.users.schemas.account_note import NoteCreate, NoteOut

router = Router(tags=["users"])


@router.get("/{user_id}/notes", response={200: Page[NoteOut] | CursorPage[NoteOut], **errors(404)})
async def list_notes(
    request: AuthenticatedRequest, user_id: Path[Identifier], query: Query[CursorQuery]
) -> Page[NoteOut] | CursorPage[NoteOut]:
    """List the internal notes about a customer, newest first. Requires the scope `customers:read`.

    The customer does not see them.
    """
    if query.cursor is not None:
        return await note_service().after(request.auth, user_id, query)
    return await note_service().page(request.auth, user_id, query)


@router.post("/{user_id}/notes", response={201: NoteOut, **errors(404, 409)}, openapi_extra=IDEMPOTENCY_KEY)
async def add_note(request: AuthenticatedRequest, user_id: Path[Identifier], new: NoteCreate) -> Status[NoteOut]:
    """Add an internal note about a customer. Requires the scope `customers:note`. Notes cannot be changed."""
    return Status(201, await note_service().add(request.auth, user_id, new, idempotency_key(request)))


@router.delete("/{user_id}/notes/{note_id}", response={204: None, **errors(404)})
async def delete_note(
    request: AuthenticatedRequest,
    user_id: Path[Identifier],
    note_id: Path[Identifier],
    given: ReasonedRequest | None = None,
) -> Status[None]:
    """Delete a note: your own with the scope `customers:note`, any with `customers:write`."""
    await note_service().delete(request.auth.because(reason_in(given)), user_id, note_id)
    return Status(204, None)
