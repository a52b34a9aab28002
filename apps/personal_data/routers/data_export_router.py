"""`/users/…/export`."""

from django.http import HttpResponse
from ninja import Path

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.error_responses import JSON_CONTENT_TYPE
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.request_limits import limit_by_account, limit_by_address
from apps.core.schemas.fields import Identifier
from apps.personal_data.dependencies import data_export
from apps.personal_data.schemas.data_export import DataExportOut
from apps.personal_data.services.data_export import AllowedExport

router = Router(tags=["users"])
RATE = "5/h"


@router.get("/me/export", response={200: DataExportOut})
async def export_own_data(request: AuthenticatedRequest) -> HttpResponse:
    """Export the personal data of your own account, up to five times an hour.

    Requires re-authentication (`STEP_UP_REQUIRED`); API keys are refused.
    """
    await _limit_address(request)
    return await _counted(request, data_export().allow_own(request.auth))


@router.get("/{user_id}/export", response={200: DataExportOut, **errors(404)})
async def export_data(request: AuthenticatedRequest, user_id: Path[Identifier]) -> HttpResponse:
    """Export the personal data of a customer who has requested it. Requires the scopes to read all of it.

    Limited to five exports an hour for each account.
    """
    await _limit_address(request)
    return await _counted(request, await data_export().allow(request.auth, user_id))


async def _limit_address(request: AuthenticatedRequest) -> None:
    await limit_by_address(request, "export")


async def _counted(request: AuthenticatedRequest, export: AllowedExport) -> HttpResponse:
    await limit_by_account(request, "export", RATE, export.user_id)
    return HttpResponse(await data_export().document(export), content_type=JSON_CONTENT_TYPE)
