"""`/roles`."""

from ninja import Path, Query, Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.conditional_requests import if_match
from apps.core.http.responses import Router, errors
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import Page, PageQuery
from apps.users.dependencies import role_service
from apps.users.schemas.role import RoleCreate, RoleOut, RoleUpdate

router = Router(tags=["roles and scopes"])


@router.post("", response={201: RoleOut, **errors(409)})
async def create_role(request: AuthenticatedRequest, new: RoleCreate) -> Status[RoleOut]:
    """Create a role. Superusers only. `GET /scopes` lists the allowed `scopes`, with `held_by` `roles`."""
    return Status(201, await role_service().create(request.auth, new))


@router.get("", response={200: Page[RoleOut]})
async def list_roles(request: AuthenticatedRequest, query: Query[PageQuery]) -> Page[RoleOut]:
    """List the roles. Staff only."""
    return await role_service().page(request.auth, query)


@router.get("/{role_id}", response={200: RoleOut, **errors(404)})
async def get_role(request: AuthenticatedRequest, role_id: Path[Identifier]) -> RoleOut:
    """Return a role. Staff only."""
    return await role_service().get(request.auth, role_id)


@router.patch("/{role_id}", response={200: RoleOut, **errors(404, 409, 412)})
async def update_role(request: AuthenticatedRequest, role_id: Path[Identifier], update: RoleUpdate) -> RoleOut:
    """Update a role. Superusers only. API keys lose a scope immediately when the role no longer gives it.

    Requires re-authentication (`STEP_UP_REQUIRED`); API keys are refused.
    """
    return await role_service().update(request.auth, role_id, update, if_match(request))


@router.delete("/{role_id}", response={204: None, **errors(404, 409, 412)})
async def delete_role(request: AuthenticatedRequest, role_id: Path[Identifier]) -> Status[None]:
    """Delete a role that no account has. Superusers only."""
    await role_service().delete(request.auth, role_id, if_match(request))
    return Status(204, None)
