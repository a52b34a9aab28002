"""Asking for a link that sets a password."""

from typing import Annotated

from pydantic import StringConstraints

from apps.core.email_addresses import EMAIL_LENGTH_MAXIMUM
from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Text


class ForgottenPassword(RequestSchema):
    """An address; any text is one here, so that the answer is the same for all."""

    email: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=EMAIL_LENGTH_MAXIMUM)]
