"""Forgotten passwords: under `/auth` for their owners, under `/users/{id}` for staff."""

from django.http import HttpRequest
from ninja import Path, Status

from apps.authentication.dependencies import password_reset
from apps.authentication.schemas.password import ForgottenPassword, PasswordResetRequest
from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.address_limits import limit_by_address
from apps.core.schemas.done import Done
from apps.core.schemas.fields import Identifier

router = Router(tags=["authentication"])
user_router = Router(tags=["users"])


@router.post("/forgot-password", auth=None, response={202: Done, **errors(429)})
async def forgot_password(request: HttpRequest, body: ForgottenPassword) -> Status[Done]:
    """Ask for a mail with a link that sets a new password; the answer is the same whether or not there is an account.

    Limited per client address, and to one mail in five minutes for each account.
    """
    await limit_by_address(request, "forgot-password")
    await password_reset().ask(body.email)
    return Status(202, Done())


@router.post("/reset-password", auth=None, response={200: Done, **errors(429)})
async def reset_password(request: HttpRequest, body: PasswordResetRequest) -> Done:
    """Set a new password by the token from the mail; every session ends, and nobody is signed in by it.

    A password that is refused leaves the token good.
    """
    await limit_by_address(request, "reset-password")
    await password_reset().reset(body)
    return Done()


@user_router.post("/{user_id}/password-reset", response={202: Done, **errors(404)})
async def send_password_reset(request: AuthenticatedRequest, user_id: Path[Identifier]) -> Status[Done]:
    """Send a customer the mail with the link that sets a new password; for staff."""
    await password_reset().send(request.auth, user_id)
    return Status(202, Done())
