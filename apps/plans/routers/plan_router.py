"""`/plans`."""

from ninja import Path, Query, Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.conditional_requests import if_match
from apps.core.http.responses import Router, errors
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import Page, PageQuery
from apps.plans.dependencies import plan_service
from apps.plans.schemas.plan import PlanCreate, PlanOut, PlanUpdate

router = Router(tags=["plans"])


@router.post("", response={201: PlanOut, **errors(409)})
async def create_plan(request: AuthenticatedRequest, new: PlanCreate) -> Status[PlanOut]:
    """Create a plan. Requires the scope `plans:write`."""
    return Status(201, await plan_service().create(request.auth, new))


@router.get("", response={200: Page[PlanOut]})
async def list_plans(request: AuthenticatedRequest, query: Query[PageQuery]) -> Page[PlanOut]:
    """List plans with their rate limits."""
    return await plan_service().page(query)


@router.get("/{plan_id}", response={200: PlanOut, **errors(404)})
async def get_plan(request: AuthenticatedRequest, plan_id: Path[Identifier]) -> PlanOut:
    """Return a plan with its rate limits."""
    return await plan_service().get(plan_id)


@router.patch("/{plan_id}", response={200: PlanOut, **errors(404, 409, 412)})
async def update_plan(request: AuthenticatedRequest, plan_id: Path[Identifier], update: PlanUpdate) -> PlanOut:
    """Update a plan. `rate_limits` replaces all rate limits of the plan, from the next verification on.

    Requires the scope `plans:write`.
    """
    return await plan_service().update(request.auth, plan_id, update, if_match(request))


@router.delete("/{plan_id}", response={204: None, **errors(404, 409, 412)})
async def delete_plan(
    request: AuthenticatedRequest, plan_id: Path[Identifier], given: ReasonedRequest | None = None
) -> Status[None]:
    """Delete a plan that no account is on. Requires the scope `plans:write`."""
    await plan_service().delete(request.auth.because(reason_in(given)), plan_id, if_match(request))
    return Status(204, None)
