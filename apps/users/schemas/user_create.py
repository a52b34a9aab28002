"""Signing up."""

from apps.core.schemas.base import RequestSchema
from apps.users.schemas.fields import EmailAddress, FullName, Password, Username


class UserCreate(RequestSchema):
    """A new account."""

    email: EmailAddress
    username: Username
    password: Password
    full_name: FullName = ""
