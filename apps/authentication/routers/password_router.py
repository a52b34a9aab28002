"""Passwords and lockouts: changing and resetting one's own under `/auth`, for staff under `/users/{id}`."""

from django.http import HttpRequest
from ninja import Path, Status

from apps.authentication.dependencies import lockouts, password_reset, password_service
from apps.authentication.schemas.lockout import LockoutsOut, UnlockedOut
from apps.authentication.schemas.password import (
    ForgottenPassword,
    PasswordChange,
    PasswordResetOut,
    PasswordResetRequest,
)
from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.request_limits import limit_by_address, limit_mail_by_address
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.common_responses import Done
from apps.core.schemas.fields import Identifier

router = Router(tags=["authentication"])
user_router = Router(tags=["users"])


@router.post("/change-password", response={200: Done})
async def change_password(request: AuthenticatedRequest, change: PasswordChange) -> Done:
    """Change your password. Every other session ends. Rate limited per client address.

    If the account has a second factor, this requires re-authentication (`STEP_UP_REQUIRED`).
    """
    await limit_by_address(request, "change-password")
    await password_service().change(request.auth, change)
    return Done()


@router.post("/forgot-password", auth=None, response={202: Done, **errors(429)})
async def forgot_password(request: HttpRequest, body: ForgottenPassword) -> Status[Done]:
    """Send a message with a link that sets a new password. The response is the same whether or not an account exists.

    Rate limited per client address, and to one message in five minutes per account.
    """
    await limit_mail_by_address(request, "forgot-password")
    await password_reset().request(body.email)
    return Status(202, Done())


@router.post("/reset-password", auth=None, response={200: PasswordResetOut, **errors(429)})
async def reset_password(request: HttpRequest, body: PasswordResetRequest) -> PasswordResetOut:
    """Set a new password with the token from the message. Every session of the account ends.

    The response lists the API keys that still work. Those of an account whose address was never verified are revoked.
    The token stays valid when the password is rejected. Rate limited per client address.
    """
    await limit_by_address(request, "reset-password")
    return await password_reset().reset(body)


@user_router.post("/{user_id}/password-reset", response={202: Done, **errors(404)})
async def send_password_reset(
    request: AuthenticatedRequest, user_id: Path[Identifier], given: ReasonedRequest | None = None
) -> Status[Done]:
    """Send a customer a message with a link that sets a new password. Requires the scope `security:write`."""
    await password_reset().send(request.auth.because(reason_in(given)), user_id)
    return Status(202, Done())


@user_router.get("/{user_id}/lockouts", response={200: LockoutsOut, **errors(404)})
async def list_lockouts(request: AuthenticatedRequest, user_id: Path[Identifier]) -> LockoutsOut:
    """List what keeps a customer from signing in now, and until when. Requires the scope `security:read`."""
    return await lockouts().of_account(request.auth, user_id)


@user_router.post("/{user_id}/unlock", response={200: UnlockedOut, **errors(404)})
async def unlock_user(
    request: AuthenticatedRequest, user_id: Path[Identifier], given: ReasonedRequest | None = None
) -> UnlockedOut:
    """End every lockout of a customer. Requires the scope `security:write`.

    The counts of wrong passwords and codes that have caused them start again. Your own account cannot be unlocked.
    """
    return await lockouts().unlock(request.auth.because(reason_in(given)), user_id)
