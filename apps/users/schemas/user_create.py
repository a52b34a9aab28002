"""Signing up."""

from pydantic import Field

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import omitted
from apps.users.schemas.fields import EmailAddress, FullName, Password, Username
from apps.users.schemas.token_presented import PresentedToken


class UserCreate(RequestSchema):
    """A new account; `invitation` is the token from the mail of an invitation."""

    email: EmailAddress
    username: Username
    password: Password
    full_name: FullName = ""
    invitation: PresentedToken = Field(default_factory=omitted)

    @property
    def account(self) -> dict[str, str]:
        """What the account is made of beside its password."""
        return {"email": self.email, "username": self.username, "full_name": self.full_name}
