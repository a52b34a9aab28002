"""What a browser is asked for a passkey."""

from typing import Any

from apps.core.schemas.base import ResponseSchema


class PasskeyOptions(ResponseSchema):
    """What the browser is asked: `options` are for `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.

    The challenge, good once and for five minutes, is sent back beside the browser's answer.
    """

    challenge: str
    options: dict[str, Any]
    expires_in: int
