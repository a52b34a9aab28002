"""What an application begins a sign-in with."""

from typing import Annotated

from pydantic import Field

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Text


class StartQuery(RequestSchema):
    """Where to lead back to, and the application's own PKCE challenge (S256, RFC 7636): the hash of what it keeps."""

    return_to: Annotated[Text, Field(max_length=2000)]
    code_challenge: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
