"""What a provider sends the browser back with (RFC 6749, 4.1.2; RFC 9207)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from apps.core.schemas.fields import Text


class CallbackQuery(BaseModel):
    """A code, or an error. Providers add what they like (OpenID Connect Core 3.1.2.5), which is not looked at."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    state: Annotated[Text, Field(min_length=1, max_length=200)]
    code: Annotated[Text | None, Field(max_length=8192)] = None
    iss: Annotated[Text | None, Field(max_length=1000)] = None
    error: Annotated[Text | None, Field(max_length=200)] = None
