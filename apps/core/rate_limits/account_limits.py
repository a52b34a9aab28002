"""Rate limits per account, counted like those per client address."""

from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.rate_limits.address_limits import count_call


async def limit_by_account(request: AuthenticatedRequest, group: str, rate: str, about_id: int) -> None:
    """Count a call of `group` by the caller's account about the account `about_id`.

    Raises TooManyRequests when the rate, such as `5/h`, is exceeded, and Unavailable when the cache is unavailable.
    """
    await count_call(request, f"{group}-of-account", f"{request.auth.owner_id}:{about_id}", rate)
