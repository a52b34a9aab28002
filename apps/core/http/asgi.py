"""ASGI: its types, and the headers in a request's scope."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


def header(scope: Scope, name: bytes) -> str | None:
    """Return the value of the first request header with this name, or None. `name` is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin1")
            return text
    return None


def header_lines(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """Return the values of all headers with this name, in order. `name` is in lower case."""
    return [value.decode("latin1") for key, value in headers if key == name]
