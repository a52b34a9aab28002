"""Reads a request's headers where there is no request yet."""

from apps.core.http.asgi_types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """Return a request header's value; `name` in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin1")
            return text
    return None
