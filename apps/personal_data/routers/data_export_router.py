"""`/users/…/export`."""

from ninja import Path, Router

from apps.core.http.address_limits import limit_by_address
from apps.core.http.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import errors
from apps.core.schemas.fields import Identifier
from apps.personal_data.dependencies import data_export
from apps.personal_data.schemas import DataExportOut

router = Router(tags=["users"])


@router.get("/me/export", response={200: DataExportOut, **errors(401, 403)})
async def export_own_data(request: AuthenticatedRequest) -> DataExportOut:
    """Get all that is kept of oneself; needs a recent sign-in (`STEP_UP_REQUIRED`), and no API key may."""
    await limit_by_address(request, "export")
    return await data_export().own(request.auth)


@router.get("/{user_id}/export", response={200: DataExportOut, **errors(401, 403, 404, 422)})
async def export_data(request: AuthenticatedRequest, user_id: Path[Identifier]) -> DataExportOut:
    """Get all that is kept of a customer who has asked for it; for staff."""
    return await data_export().of_customer(request.auth, user_id)
