"""Verifying and changing e-mail addresses."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from apps.core.schemas.base import RequestSchema, ResponseSchema

TOKEN_LENGTH_MAXIMUM = 200
PresentedToken = Annotated[SecretStr, Field(min_length=1, max_length=TOKEN_LENGTH_MAXIMUM)]


class TokenPresented(RequestSchema):
    """The token from the link in a message."""

    token: PresentedToken


class EmailChangeOut(ResponseSchema):
    """`pending` until both addresses have confirmed, then `changed`."""

    status: Literal["pending", "changed"]
