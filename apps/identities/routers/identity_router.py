"""The identities of an account: the caller's under `/auth/identities`, a customer's under `/users/{id}/identities`."""

from ninja import Path, Query, Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.request_limits import limit_by_address
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import Page, PageQuery
from apps.identities.dependencies import federated_sign_in, identity_service
from apps.identities.schemas.identity import IdentityOut
from apps.identities.schemas.provider import CodeExchange

router = Router(tags=["authentication"])
user_router = Router(tags=["users"])


@router.get("/identities", response={200: Page[IdentityOut]})
async def list_own_identities(request: AuthenticatedRequest, query: Query[PageQuery]) -> Page[IdentityOut]:
    """List the identities at other providers that sign in to your own account."""
    return await identity_service().page(request.auth, request.auth.owner_id, query)


@router.post("/identities", response={201: IdentityOut, **errors(409)})
async def link_identity(request: AuthenticatedRequest, exchange: CodeExchange) -> Status[IdentityOut]:
    """Link an identity to your own account, with the code of a sign-in with a provider.

    Requires re-authentication (`STEP_UP_REQUIRED`). Rate limited per client address.
    """
    await limit_by_address(request, "provider-link")
    return Status(201, await federated_sign_in().link(request.auth, exchange))


@router.delete("/identities/{identity_id}", response={204: None, **errors(404, 409)})
async def unlink_identity(request: AuthenticatedRequest, identity_id: Path[Identifier]) -> Status[None]:
    """Unlink an identity from your own account, which must keep another way to sign in (`LAST_WAY_IN`).

    Requires re-authentication (`STEP_UP_REQUIRED`).
    """
    await identity_service().unlink_own(request.auth, identity_id)
    return Status(204, None)


@user_router.get("/{user_id}/identities", response={200: Page[IdentityOut], **errors(404)})
async def list_identities(
    request: AuthenticatedRequest, user_id: Path[Identifier], query: Query[PageQuery]
) -> Page[IdentityOut]:
    """List the identities of an account. Accounts other than your own require the scope `security:read`."""
    return await identity_service().page(request.auth, user_id, query)


@user_router.delete("/{user_id}/identities/{identity_id}", response={204: None, **errors(404, 409)})
async def unlink_customer_identity(
    request: AuthenticatedRequest,
    user_id: Path[Identifier],
    identity_id: Path[Identifier],
    given: ReasonedRequest | None = None,
) -> Status[None]:
    """Unlink an identity of a customer. Requires the scope `security:write`."""
    await identity_service().unlink(request.auth.because(reason_in(given)), user_id, identity_id)
    return Status(204, None)
