"""Reads request bodies up to a maximum size."""

from apps.core.errors import MalformedRequest, PayloadTooLarge
from apps.core.http.asgi import Receive, Scope, header
from apps.core.http.cancellation import ClientDisconnected

CONTENT_LENGTH_DIGITS_MAXIMUM = 19  # the digits of a 64-bit number; Python refuses to parse thousands of digits


async def read_body(scope: Scope, receive: Receive, bytes_maximum: int) -> bytes:
    """Return the whole body. Raises PayloadTooLarge as soon as more than `bytes_maximum` is announced or received.

    Raises MalformedRequest for an invalid Content-Length, and ClientDisconnected.
    """
    declared = header(scope, b"content-length")
    if declared is None:
        declared = "0"
    if not (declared.isascii() and declared.isdigit()):
        raise MalformedRequest("The Content-Length header is not a number.")
    if len(declared) > CONTENT_LENGTH_DIGITS_MAXIMUM or int(declared) > bytes_maximum:
        raise PayloadTooLarge
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        body += message.get("body", b"")
        if len(body) > bytes_maximum:
            raise PayloadTooLarge
        if not message.get("more_body", False):
            return bytes(body)
