"""Reads a request's headers from its ASGI scope."""

from apps.core.http.asgi_types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """Return the value of the first request header with this name, or None. `name` is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin1")
            return text
    return None
