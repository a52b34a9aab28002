"""Parses request bodies and renders response bodies as strict JSON, by orjson.

NaN, lone surrogates and invalid UTF-8 are errors.
"""

from typing import Any

import orjson
from django.http import HttpRequest
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from apps.core.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType

JSON_TYPES = ("application/json",)
# Parsing a mebibyte of small values blocks the event loop for 0.1 s, so only authenticated clients, which can be
# blocked, may send as much. The longest body that an anonymous client needs to send is a passkey.
ANONYMOUS_BODY_BYTES_MAXIMUM = 128 * 1024


class JsonParser(Parser):
    """Parses request bodies."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body's value. Raises UnsupportedMediaType, PayloadTooLarge or MalformedRequest."""
        if request.content_type not in JSON_TYPES:
            raise UnsupportedMediaType
        if len(request.body) > ANONYMOUS_BODY_BYTES_MAXIMUM and not hasattr(request, "auth"):
            raise PayloadTooLarge(
                f"The body must have at most {ANONYMOUS_BODY_BYTES_MAXIMUM} bytes without authentication."
            )
        try:
            return orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise MalformedRequest("The body is not valid JSON.") from error


class JsonRenderer(BaseRenderer):
    """Renders response bodies."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002
        """Return `data` as JSON with a final newline, so that the output of curl ends in one."""
        return orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE)
