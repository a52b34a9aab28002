"""How bodies are read and written: strict JSON, by orjson (no NaN, no lone surrogates, no invalid UTF-8)."""

from typing import Any

import orjson
from django.http import HttpRequest
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from apps.core.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType

JSON_TYPES = ("application/json",)
# To read a mebibyte of small values takes the event loop a tenth of a second: that is for who can be told to stop.
# The longest that a stranger has to say is a passkey.
STRANGERS_BYTES_MAXIMUM = 128 * 1024


class JsonParser(Parser):
    """Reads request bodies."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body's value; raises UnsupportedMediaType, PayloadTooLarge or MalformedRequest."""
        if request.content_type not in JSON_TYPES:
            raise UnsupportedMediaType
        if len(request.body) > STRANGERS_BYTES_MAXIMUM and not hasattr(request, "auth"):
            raise PayloadTooLarge
        try:
            return orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise MalformedRequest("The body is not valid JSON.") from error


class JsonRenderer(BaseRenderer):
    """Writes response bodies."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002
        """Return `data` as JSON that ends in a newline, so that a shell's prompt stands below what curl prints."""
        return orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE)
