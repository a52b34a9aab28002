"""Limits on what signed-in accounts do, counted as those for client addresses are."""

from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.rate_limits.address_limits import count_call


async def limit_by_account(request: AuthenticatedRequest, group: str, rate: str, about_id: int) -> None:
    """Count this call of `group` by the caller's account about an account, its own or another.

    Raises TooManyRequests beyond the rate (`5/h`), and Unavailable when the cache is away.
    """
    await count_call(request, f"{group}-of-account", f"{request.auth.owner_id}:{about_id}", rate)
