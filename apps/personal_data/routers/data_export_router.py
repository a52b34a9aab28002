"""`/users/…/export`."""

from django.http import HttpResponse
from ninja import Path, Router

from apps.core.http.account_limits import limit_by_account
from apps.core.http.address_limits import limit_by_address
from apps.core.http.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import errors
from apps.core.schemas.fields import Identifier
from apps.personal_data.dependencies import data_export
from apps.personal_data.schemas import DataExportOut

router = Router(tags=["users"])
RATE = "5/h"


@router.get("/me/export", response={200: DataExportOut, **errors(401, 403, 429)})
async def export_own_data(request: AuthenticatedRequest) -> HttpResponse:
    """Get all that is kept of oneself; needs a recent sign-in (`STEP_UP_REQUIRED`), and no API key may.

    Five times an hour.
    """
    await _limit(request, request.auth.owner_id)
    return _answer(await data_export().own(request.auth))


@router.get("/{user_id}/export", response={200: DataExportOut, **errors(401, 403, 404, 422, 429)})
async def export_data(request: AuthenticatedRequest, user_id: Path[Identifier]) -> HttpResponse:
    """Get all that is kept of a customer who has asked for it; for staff, each of them five times an hour."""
    await _limit(request, user_id)
    return _answer(await data_export().of_customer(request.auth, user_id))


async def _limit(request: AuthenticatedRequest, user_id: int) -> None:
    await limit_by_address(request, "export")
    await limit_by_account(request, "export", RATE, user_id)


def _answer(document: bytes) -> HttpResponse:
    return HttpResponse(document, content_type="application/json")
