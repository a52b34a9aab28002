"""What an application fetches the outcome with."""

from typing import Annotated

from pydantic import Field, SecretStr

from apps.core.schemas.base import RequestSchema


class CodeExchange(RequestSchema):
    """The code from the fragment, good once and for a minute, and the PKCE verifier that the application has kept."""

    code: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    code_verifier: Annotated[SecretStr, Field(min_length=43, max_length=128)]
