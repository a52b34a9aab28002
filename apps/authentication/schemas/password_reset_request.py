"""Setting a password by a link in a mail."""

from apps.core.schemas.base import RequestSchema
from apps.users.schemas.fields import Password
from apps.users.schemas.token_presented import PresentedToken


class PasswordResetRequest(RequestSchema):
    """The token of the link, and the password that shall be."""

    token: PresentedToken
    new_password: Password
