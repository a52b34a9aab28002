"""Setting a new password."""

from apps.core.schemas.base import RequestSchema
from apps.users.schemas.fields import Password


class PasswordChange(RequestSchema):
    """The password that is, and the one that shall be."""

    current_password: Password
    new_password: Password
