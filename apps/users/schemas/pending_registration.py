"""Confirming a sign-up."""

from apps.core.schemas.base import RequestSchema
from apps.users.schemas.email_change import PresentedToken
from apps.users.schemas.user import Password


class RegistrationConfirm(RequestSchema):
    """The token from the mail and the password that was chosen at the sign-up."""

    token: PresentedToken
    password: Password
