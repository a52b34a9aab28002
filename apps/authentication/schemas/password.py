"""Changing and resetting passwords."""

from typing import Annotated

from pydantic import StringConstraints

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Text
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM
from apps.users.schemas.email_change import PresentedToken
from apps.users.schemas.user import Password


class PasswordChange(RequestSchema):
    """The password that is, and the one that shall be."""

    current_password: Password
    new_password: Password


class ForgottenPassword(RequestSchema):
    """An address; any text is one here, so that the answer is the same for all."""

    email: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=EMAIL_LENGTH_MAXIMUM)]


class PasswordResetRequest(RequestSchema):
    """The token of the link, and the password that shall be."""

    token: PresentedToken
    new_password: Password
