"""`/roles`."""

from ninja import Path, Query, Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.conditional_requests import if_match
from apps.core.http.responses import Router, errors
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import Page, PageQuery
from apps.users.dependencies import role_service
from apps.users.schemas.role import RoleCreate, RoleOut, RoleUpdate

router = Router(tags=["roles and scopes"])


@router.post("", response={201: RoleOut, **errors(409)})
async def create_role(request: AuthenticatedRequest, new: RoleCreate) -> Status[RoleOut]:
    """Create a role. `GET /scopes` lists the scopes that a role can give: all but those `held_by` `everyone`.

    Requires the scope `staff:manage`, and each scope that the role gives.
    """
    return Status(201, await role_service().create(request.auth, new))


@router.get("", response={200: Page[RoleOut]})
async def list_roles(request: AuthenticatedRequest, query: Query[PageQuery]) -> Page[RoleOut]:
    """List the roles. Requires the scope `staff:read`."""
    return await role_service().page(request.auth, query)


@router.get("/{role_id}", response={200: RoleOut, **errors(404)})
async def get_role(request: AuthenticatedRequest, role_id: Path[Identifier]) -> RoleOut:
    """Return a role. Requires the scope `staff:read`."""
    return await role_service().get(request.auth, role_id)


@router.patch("/{role_id}", response={200: RoleOut, **errors(404, 409, 412)})
async def update_role(request: AuthenticatedRequest, role_id: Path[Identifier], update: RoleUpdate) -> RoleOut:
    """Update a role. API keys lose a scope immediately when the role no longer gives it.

    Requires the scope `staff:manage`, each scope that the role gives, before and after, and re-authentication
    (`STEP_UP_REQUIRED`); API keys are refused.
    """
    return await role_service().update(request.auth, role_id, update, if_match(request))


@router.delete("/{role_id}", response={204: None, **errors(404, 409, 412)})
async def delete_role(
    request: AuthenticatedRequest, role_id: Path[Identifier], given: ReasonedRequest | None = None
) -> Status[None]:
    """Delete a role that no account has. Requires `staff:manage`, and each scope that it gives."""
    await role_service().delete(request.auth.because(reason_in(given)), role_id, if_match(request))
    return Status(204, None)
