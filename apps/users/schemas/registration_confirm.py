"""Confirming a sign-up."""

from apps.core.schemas.base import RequestSchema
from apps.users.schemas.fields import Password
from apps.users.schemas.token_presented import PresentedToken


class RegistrationConfirm(RequestSchema):
    """The token from the mail, and the password that was chosen at the sign-up."""

    token: PresentedToken
    password: Password
