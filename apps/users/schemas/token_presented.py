"""A single-use token from a link in a mail."""

from typing import Annotated

from pydantic import Field, SecretStr

from apps.core.schemas.base import RequestSchema

TOKEN_LENGTH_MAXIMUM = 200
PresentedToken = Annotated[SecretStr, Field(min_length=1, max_length=TOKEN_LENGTH_MAXIMUM)]


class TokenPresented(RequestSchema):
    """What the page that the link leads to sends."""

    token: PresentedToken
