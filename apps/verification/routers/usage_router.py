"""`/usage`."""

from typing import Annotated

from ninja import Path, Query
from pydantic import Field

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.asgi_messages import StreamedResponse
from apps.core.http.responses import Router, errors
from apps.usage.schemas.usage_export import UsageExportQuery
from apps.usage.schemas.usage_report import UsageQuery, UsageReport
from apps.verification.dependencies import account_usage, call_explanations
from apps.verification.schemas.explained_call import ExplainedRequest
from apps.verification.services.call_search import REQUEST_ID_LENGTH_MAXIMUM

RequestId = Annotated[str, Field(min_length=1, max_length=REQUEST_ID_LENGTH_MAXIMUM)]
FILES = {kind: {"schema": {"type": "string"}} for kind in ("text/csv", "application/x-ndjson")}

router = Router(tags=["usage"])


@router.get("", response={200: UsageReport, **errors(404)})
async def get_usage(request: AuthenticatedRequest, query: Query[UsageQuery]) -> UsageReport:
    """Return your own usage, or that of `user_id`, over a period: in intervals of a time zone, and by groups.

    The sums are exact up to the moment of the request. Accounts other than your own require the scope `keys:read`, and
    `credits:read` for the cost; so does `group_by=customer`, the usage of all customers by whole days (UTC).
    """
    return await account_usage().report(request.auth, query)


@router.get("/export", response={200: None, **errors(404)}, openapi_extra={"responses": {200: {"content": FILES}}})
async def export_usage(request: AuthenticatedRequest, query: Query[UsageExportQuery]) -> StreamedResponse:
    """Export your own calls, or those of `user_id`, one a line. The file is sent while it is read, of any length.

    Calls are exported as long as they are kept. Accounts other than your own require the scope `keys:read`, and
    `credits:read` for the cost.
    """
    file = await account_usage().export(request.auth, query)
    return StreamedResponse(file.chunks, file.content_type, file.name)


@router.get("/requests/{path:request_id}", response={200: ExplainedRequest, **errors(404)})
async def explain_request(request: AuthenticatedRequest, request_id: Path[RequestId]) -> ExplainedRequest:
    """Explain the calls that were verified with this request id, from what is stored of them.

    What each asked for, the checks in their order with their results, what was charged, and what remained. Calls of
    keys other than your own require the scope `keys:read`, and `credits:read` for balances.
    """
    return await call_explanations().explain(request.auth, request_id)
