"""Reads request bodies, with bounds on the memory that unfinished ones hold."""

from apps.core.errors import MalformedRequest, PayloadTooLarge, Unavailable
from apps.core.http.asgi import Receive
from apps.core.http.json_codec import ANONYMOUS_BODY_BYTES_MAXIMUM
from apps.core.http.request_head import RequestHead

CONTENT_LENGTH_DIGITS_MAXIMUM = 19  # the digits of a 64-bit number; Python refuses to parse thousands of digits
# Any client can claim to be authenticated. Together, bodies beyond the anonymous limit hold up to 32 MiB of a process.
LARGE_BODIES_MAXIMUM = 32


class IncompleteBody(MalformedRequest):
    """The body has ended early, or its chunks cannot be read (RFC 9112, 8); the client may have disconnected."""

    message = "The body is incomplete, or its chunks are malformed. Send it again."


class BodyReader:
    """Reads bodies of up to `bytes_maximum`; up to ANONYMOUS_BODY_BYTES_MAXIMUM from clients without a credential."""

    def __init__(self, bytes_maximum: int) -> None:
        self._bytes_maximum = bytes_maximum
        self._anonymous_maximum = min(bytes_maximum, ANONYMOUS_BODY_BYTES_MAXIMUM)
        self._large_bodies = 0

    async def read(self, head: RequestHead, receive: Receive) -> bytes:
        """Return the whole body.

        Raises PayloadTooLarge as soon as more bytes than allowed are announced or received, MalformedRequest for an
        invalid Content-Length, IncompleteBody, and Unavailable when too many large bodies are being received.
        """
        maximum = self._bytes_maximum if head.has_credential else self._anonymous_maximum
        _check_announced(head.content_length, maximum)
        received = bytearray()
        is_large = False
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise IncompleteBody
                received += message.get("body", b"")
                _check_received(len(received), maximum)
                if not message.get("more_body", False):
                    return bytes(received)
                if not is_large and len(received) > self._anonymous_maximum:
                    self._count_large_body()
                    is_large = True
        finally:
            self._large_bodies -= is_large

    def _count_large_body(self) -> None:
        if self._large_bodies >= LARGE_BODIES_MAXIMUM:
            raise Unavailable("Too many large bodies are being received. Retry shortly.")
        self._large_bodies += 1


def _check_announced(content_length: bytes | None, maximum: int) -> None:
    if content_length is None:
        return
    if not content_length.isdigit():
        raise MalformedRequest("The Content-Length header must be a number.")
    if len(content_length) > CONTENT_LENGTH_DIGITS_MAXIMUM:
        raise _too_large(maximum)
    _check_received(int(content_length), maximum)


def _check_received(length: int, maximum: int) -> None:
    if length > maximum:
        raise _too_large(maximum)


def _too_large(maximum: int) -> PayloadTooLarge:
    credential = " without authentication" if maximum == ANONYMOUS_BODY_BYTES_MAXIMUM else ""
    return PayloadTooLarge(f"The body must have at most {maximum} bytes{credential}.")
