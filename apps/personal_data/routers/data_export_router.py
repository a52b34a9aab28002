"""`/users/…/export`."""

from functools import partial

from django.http import HttpResponse
from ninja import Path

from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.account_limits import limit_by_account
from apps.core.rate_limits.address_limits import limit_by_address
from apps.core.schemas.fields import Identifier
from apps.personal_data.dependencies import data_export
from apps.personal_data.schemas.data_export import DataExportOut
from apps.personal_data.services.data_export import CountExport

router = Router(tags=["users"])
RATE = "5/h"


@router.get("/me/export", response={200: DataExportOut})
async def export_own_data(request: AuthenticatedRequest) -> HttpResponse:
    """Get all that is kept of oneself; needs a recent sign-in (`STEP_UP_REQUIRED`), and no API key may.

    Five times an hour.
    """
    count = await _limited(request)
    return _answer(await data_export().own(request.auth, count))


@router.get("/{user_id}/export", response={200: DataExportOut, **errors(404)})
async def export_data(request: AuthenticatedRequest, user_id: Path[Identifier]) -> HttpResponse:
    """Get all that is kept of a customer who has asked for it; for staff, each of them five times an hour."""
    count = await _limited(request)
    return _answer(await data_export().of_customer(request.auth, user_id, count))


async def _limited(request: AuthenticatedRequest) -> CountExport:
    """Count the call for its address, and return what counts it for the account once it is allowed."""
    await limit_by_address(request, "export")
    return partial(limit_by_account, request, "export", RATE)


def _answer(document: bytes) -> HttpResponse:
    return HttpResponse(document, content_type="application/json")
