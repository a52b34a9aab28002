"""`/api-keys`, and `/users/{id}/api-keys`."""

from ninja import Path, Query, Status

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.schemas.api_key import (
    ApiKeyCreate,
    ApiKeyOut,
    ApiKeyQuery,
    ApiKeyRevoke,
    ApiKeyRotate,
    ApiKeyUpdate,
    ApiKeyWithSecret,
)
from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.conditional_requests import if_match
from apps.core.http.idempotency_keys import IDEMPOTENCY_KEY, idempotency_key
from apps.core.http.responses import Router, errors
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import CursorPage, Page

router = Router(tags=["api keys"])
user_router = Router(tags=["api keys"])


@router.post("", response={201: ApiKeyWithSecret, **errors(409)}, openapi_extra=IDEMPOTENCY_KEY)
async def create_api_key(request: AuthenticatedRequest, new: ApiKeyCreate) -> Status[ApiKeyWithSecret]:
    """Create an API key for your own account. `api_key` is shown only once."""
    return Status(
        201, await api_key_service().create(request.auth, request.auth.owner_id, new, idempotency_key(request))
    )


@router.get("", response={200: Page[ApiKeyOut] | CursorPage[ApiKeyOut]})
async def list_api_keys(
    request: AuthenticatedRequest, query: Query[ApiKeyQuery]
) -> Page[ApiKeyOut] | CursorPage[ApiKeyOut]:
    """List your own API keys."""
    if query.cursor is not None:
        return await api_key_service().after(request.auth, request.auth.owner_id, query)
    return await api_key_service().search(request.auth, request.auth.owner_id, query)


@router.get("/{key_id}", response={200: ApiKeyOut, **errors(404)})
async def get_api_key(request: AuthenticatedRequest, key_id: Path[Identifier]) -> ApiKeyOut:
    """Return an API key."""
    return await api_key_service().get(request.auth, key_id)


@router.patch("/{key_id}", response={200: ApiKeyOut, **errors(404, 412)})
async def update_api_key(request: AuthenticatedRequest, key_id: Path[Identifier], update: ApiKeyUpdate) -> ApiKeyOut:
    """Update an API key."""
    return await api_key_service().update(request.auth, key_id, update, if_match(request))


@router.delete("/{key_id}", response={204: None, **errors(404, 412)})
async def delete_api_key(
    request: AuthenticatedRequest, key_id: Path[Identifier], given: ReasonedRequest | None = None
) -> Status[None]:
    """Delete an API key. It stops working at once; its history stays."""
    await api_key_service().delete(request.auth.because(reason_in(given)), key_id, if_match(request))
    return Status(204, None)


@router.post("/{key_id}/revoke", response={200: ApiKeyOut, **errors(404)})
async def revoke_api_key(
    request: AuthenticatedRequest, key_id: Path[Identifier], revocation: ApiKeyRevoke | None = None
) -> ApiKeyOut:
    """Revoke an API key permanently. Verifications that begin after the response return `DISABLED`.

    The keys that it has created are revoked too, unless `keep_created_keys` is sent by a session.
    """
    return await api_key_service().revoke(request.auth, key_id, revocation or ApiKeyRevoke())


@router.post("/{key_id}/rotate", response={200: ApiKeyWithSecret, **errors(404, 409)}, openapi_extra=IDEMPOTENCY_KEY)
async def rotate_api_key(
    request: AuthenticatedRequest, key_id: Path[Identifier], rotation: ApiKeyRotate | None = None
) -> ApiKeyWithSecret:
    """Replace the secret of an API key. `api_key` is shown only once.

    The old secret works until the grace period ends.
    """
    rotation = rotation or ApiKeyRotate()
    actor = request.auth.because(rotation.reason)
    return await api_key_service().rotate(
        actor, key_id, rotation.grace_seconds, idempotency_key(request), message=rotation.message
    )


@user_router.post(
    "/{user_id}/api-keys", response={201: ApiKeyWithSecret, **errors(404, 409)}, openapi_extra=IDEMPOTENCY_KEY
)
async def create_user_api_key(
    request: AuthenticatedRequest, user_id: Path[Identifier], new: ApiKeyCreate
) -> Status[ApiKeyWithSecret]:
    """Create an API key for an account. `api_key` is shown only once.

    Accounts other than your own require the scope `keys:write`.
    """
    return Status(201, await api_key_service().create(request.auth, user_id, new, idempotency_key(request)))


@user_router.get("/{user_id}/api-keys", response={200: Page[ApiKeyOut] | CursorPage[ApiKeyOut], **errors(404)})
async def list_user_api_keys(
    request: AuthenticatedRequest, user_id: Path[Identifier], query: Query[ApiKeyQuery]
) -> Page[ApiKeyOut] | CursorPage[ApiKeyOut]:
    """List the API keys of an account. Accounts other than your own require the scope `keys:read`."""
    if query.cursor is not None:
        return await api_key_service().after(request.auth, user_id, query)
    return await api_key_service().search(request.auth, user_id, query)
