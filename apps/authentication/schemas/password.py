"""Changing and resetting passwords."""

from typing import Annotated

from pydantic import StringConstraints

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Text
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM
from apps.users.schemas.user import Password, PresentedToken


class PasswordChange(RequestSchema):
    """The current password and the new one."""

    current_password: Password
    new_password: Password


class ForgottenPassword(RequestSchema):
    """An e-mail address. Any text is accepted: the response reveals nothing about it."""

    email: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=EMAIL_LENGTH_MAXIMUM)]


class PasswordResetRequest(RequestSchema):
    """The token from the link in the message, and the new password."""

    token: PresentedToken
    new_password: Password
