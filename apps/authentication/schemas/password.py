"""Changing and resetting passwords."""

from typing import Annotated

from pydantic import StringConstraints

from apps.api_keys.schemas.key_review import KeyReviewOut
from apps.core.schemas.base import RequestSchema
from apps.core.schemas.common_responses import Done
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


class PasswordResetOut(Done):
    """The password is set.

    `api_keys` still work: their token lists and revokes them at `/auth/api-keys`. It is null when there is none.
    `revoked_api_keys` is how many were revoked, because they were created before the account's address was verified.
    """

    api_keys: KeyReviewOut | None
    revoked_api_keys: int
