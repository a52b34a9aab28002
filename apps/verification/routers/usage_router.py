"""`/usage`."""

from ninja import Query

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.usage.schemas.usage_report import UsageQuery, UsageReport
from apps.verification.dependencies import account_usage

router = Router(tags=["usage"])


@router.get("", response={200: UsageReport, **errors(404)})
async def get_usage(request: AuthenticatedRequest, query: Query[UsageQuery]) -> UsageReport:
    """Return your own usage, or that of `user_id`, over a period: in intervals of a time zone, and by groups.

    The sums are exact up to the moment of the request. Accounts other than your own require the scope `keys:read`, and
    `credits:read` for the cost; so does `group_by=customer`, the usage of all customers by whole days (UTC).
    """
    return await account_usage().report(request.auth, query)
