"""Request bodies as the API application receives them, and responses as it sends them."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from django.http import HttpResponse

from apps.core.errors import MalformedRequest, PayloadTooLarge
from apps.core.http.asgi import Headers, Receive, Scope, header
from apps.core.http.cancellation import ClientDisconnected

CONTENT_LENGTH_DIGITS_MAXIMUM = 19  # the digits of a 64-bit number; Python refuses to parse thousands of digits


class RawResponse(NamedTuple):
    """A status, encoded headers and a body."""

    status: int
    headers: Headers
    body: bytes


# The fast path of one URL path. Returns None for requests that it leaves to Ninja.
FastPath = Callable[[Scope, bytes], Awaitable[RawResponse | None]]


def raw_response(response: HttpResponse) -> RawResponse:
    """Convert Django's response."""
    response.headers.setdefault("Cache-Control", "no-store")
    headers = encoded_headers(response.headers)
    # Django stores cookies separately from the headers. Each cookie is a separate header (RFC 6265, 3).
    headers += [(b"set-cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
    # With 304, Content-Length would be the length of the body that is not sent (RFC 9110, 8.6).
    if response.status_code not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        headers.append((b"content-length", str(len(response.content)).encode()))
    return RawResponse(response.status_code, headers, response.content)


def encoded_headers(headers: Mapping[str, str]) -> Headers:
    """Return the headers in ASGI's form: names in lower case, names and values as bytes."""
    return [(name.lower().encode("ascii"), value.encode("latin1")) for name, value in headers.items()]


async def read_body(scope: Scope, receive: Receive, bytes_maximum: int) -> bytes:
    """Return the whole body. Raises PayloadTooLarge as soon as more than `bytes_maximum` is announced or received.

    Raises MalformedRequest for an invalid Content-Length, and ClientDisconnected.
    """
    declared = header(scope, b"content-length")
    if declared is None:
        declared = "0"
    if not (declared.isascii() and declared.isdigit()):
        raise MalformedRequest("The Content-Length header must be a number.")
    if len(declared) > CONTENT_LENGTH_DIGITS_MAXIMUM or int(declared) > bytes_maximum:
        raise _too_large(bytes_maximum)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        body += message.get("body", b"")
        if len(body) > bytes_maximum:
            raise _too_large(bytes_maximum)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(bytes_maximum: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body must have at most {bytes_maximum} bytes.")
