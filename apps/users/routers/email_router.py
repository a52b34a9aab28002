"""`/auth`, the operations that verify and change addresses."""

from django.http import HttpRequest
from ninja import Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.request_limits import limit_by_address, limit_mail_by_address
from apps.core.schemas.common_responses import Done
from apps.users.dependencies import confirmed_registration, email_change, email_verification
from apps.users.schemas.user import (
    AddressVerified,
    EmailChangeConfirm,
    EmailChangeOut,
    RegistrationConfirm,
    TokenPresented,
    UserOut,
)

router = Router(tags=["authentication"])


@router.post("/verify-email", auth=None, response={200: Done, **errors(429)})
async def verify_email(request: HttpRequest, body: AddressVerified) -> Done:
    """Verify an e-mail address with the token from the message to it and the password of the account.

    The password shows that the recipient of the message has created the account. After five wrong ones
    (`WRONG_PASSWORD`) the token is invalid. A password reset verifies the address too. Rate limited per client address.
    """
    await limit_by_address(request, "verify-email")
    await email_verification().verify(body.token.get_secret_value(), body.password.get_secret_value())
    return Done()


@router.post("/confirm-registration", auth=None, response={201: UserOut, **errors(429)})
async def confirm_registration(request: HttpRequest, body: RegistrationConfirm) -> Status[UserOut]:
    """Create the account of a sign-up with the token from the message and the password of the sign-up.

    The password shows that the recipient of the message is the person who signed up. After five wrong passwords
    (`WRONG_PASSWORD`) the token is invalid. Rate limited per client address.
    """
    await limit_by_address(request, "confirm-registration")
    return Status(201, await confirmed_registration().confirm(body))


@router.post("/confirm-email", auth=None, response={200: EmailChangeOut, **errors(429)})
async def confirm_email(request: HttpRequest, body: EmailChangeConfirm) -> EmailChangeOut:
    """Confirm a change of address with the token from the message to the old or the new address. Both must confirm.

    The token of the new address needs the password of the account; after five wrong ones (`WRONG_PASSWORD`) it is
    invalid. Rate limited per client address.
    """
    await limit_by_address(request, "confirm-email")
    password = body.password.get_secret_value() if body.password else None
    return EmailChangeOut(status=await email_change().confirm(body.token.get_secret_value(), password))


@router.post("/cancel-email-change", auth=None, response={200: Done, **errors(429)})
async def cancel_email_change(request: HttpRequest, body: TokenPresented) -> Done:
    """Cancel a change of address with the token from the message to the current address.

    Rate limited per client address.
    """
    await limit_by_address(request, "cancel-email-change")
    await email_change().cancel(body.token.get_secret_value())
    return Done()


@router.post("/verify-email/resend", response={202: Done})
async def resend_verification(request: AuthenticatedRequest) -> Status[Done]:
    """Send the message that verifies your own address again, up to once a minute and five times an hour.

    A verified address gets no message, and the response is the same. Rate limited per client address.
    """
    await limit_mail_by_address(request, "resend-verification")
    await email_verification().resend(request.auth)
    return Status(202, Done())
