"""Signing in."""

from typing import Annotated

from pydantic import StringConstraints

from apps.core.email_addresses import EMAIL_LENGTH_MAXIMUM
from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Text
from apps.users.schemas.fields import Password


class LoginRequest(RequestSchema):
    """An address and its password; any text is an address here, so that the answer is the same for all."""

    email: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=EMAIL_LENGTH_MAXIMUM)]
    password: Password
