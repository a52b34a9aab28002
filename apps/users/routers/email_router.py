"""`/auth`, as far as it is about an account's address."""

from django.http import HttpRequest
from ninja import Status

from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.address_limits import limit_by_address
from apps.core.schemas.done import Done
from apps.users.dependencies import confirmed_registration, email_change, email_verification
from apps.users.schemas.email_change import EmailChangeOut, TokenPresented
from apps.users.schemas.pending_registration import RegistrationConfirm
from apps.users.schemas.user import UserOut

router = Router(tags=["authentication"])


@router.post("/verify-email", auth=None, response={200: Done, **errors(429)})
async def verify_email(request: HttpRequest, body: TokenPresented) -> Done:
    """Show that an address is one's own, by the token from the mail that was sent to it. Limited per client address."""
    await limit_by_address(request, "verify-email")
    await email_verification().verify(body.token.get_secret_value())
    return Done()


@router.post("/confirm-registration", auth=None, response={201: UserOut, **errors(429)})
async def confirm_registration(request: HttpRequest, body: RegistrationConfirm) -> Status[UserOut]:
    """Make the account that one has signed up for, by the token from the mail and the password of the sign-up.

    So nobody is led to confirm what somebody else has signed up for. The token is good no more after five wrong
    passwords (`WRONG_PASSWORD`). Limited per client address.
    """
    await limit_by_address(request, "confirm-registration")
    return Status(201, await confirmed_registration().confirm(body))


@router.post("/confirm-email", auth=None, response={200: EmailChangeOut, **errors(429)})
async def confirm_email(request: HttpRequest, body: TokenPresented) -> EmailChangeOut:
    """Agree to another address, by the token from the mail to the old one or to the new one; it needs both."""
    await limit_by_address(request, "confirm-email")
    return EmailChangeOut(status=await email_change().confirm(body.token.get_secret_value()))


@router.post("/cancel-email-change", auth=None, response={200: Done, **errors(429)})
async def cancel_email_change(request: HttpRequest, body: TokenPresented) -> Done:
    """Keep the address that is, by the token from the mail to it."""
    await limit_by_address(request, "cancel-email-change")
    await email_change().cancel(body.token.get_secret_value())
    return Done()


@router.post("/verify-email/resend", response={202: Done})
async def resend_verification(request: AuthenticatedRequest) -> Status[Done]:
    """Have the mail that verifies one's address sent again: once a minute, five times an hour, and none where it is."""
    await email_verification().resend(request.auth)
    return Status(202, Done())
