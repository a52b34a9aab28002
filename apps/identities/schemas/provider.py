"""Signing in with other providers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import Text


class ProviderOut(ResponseSchema):
    """A provider. `name` is used in paths, `label` on the button."""

    name: str
    label: str


class ProvidersOut(ResponseSchema):
    """All configured providers, in the operator's order."""

    items: list[ProviderOut]


class StartQuery(RequestSchema):
    """The URL of the application to return to, and the application's PKCE challenge (S256, RFC 7636).

    With `max_age`, the provider must authenticate its user again, at most so many seconds ago.
    """

    return_to: Annotated[Text, Field(max_length=2000)]
    code_challenge: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    max_age: Annotated[int | None, Field(ge=60, le=24 * 3600)] = None


class CallbackQuery(BaseModel):
    """A code, or an error. Other parameters of providers (OpenID Connect Core 3.1.2.5) are ignored."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    state: Annotated[Text, Field(min_length=1, max_length=200)]
    code: Annotated[Text | None, Field(max_length=8192)] = None
    iss: Annotated[Text | None, Field(max_length=1000)] = None
    error: str | None = None
    error_description: str | None = None


class CodeExchange(RequestSchema):
    """The code from the fragment, valid once and for a minute, and the application's PKCE verifier."""

    code: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    code_verifier: Annotated[SecretStr, Field(min_length=43, max_length=128)]
