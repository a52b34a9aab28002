"""Responses as the API application sends them."""

from collections.abc import AsyncGenerator, Mapping
from http import HTTPStatus
from typing import NamedTuple

from django.http import HttpResponse

from apps.core.http.asgi import Headers


class StreamedResponse(HttpResponse):
    """A response whose body is made while it is sent, so that it may be larger than memory.

    What can go wrong is to be known before: an error in a chunk breaks the connection off.
    """

    def __init__(self, chunks: AsyncGenerator[bytes], content_type: str, filename: str) -> None:
        disposition = f'attachment; filename="{filename}"'
        super().__init__(content_type=content_type, headers={"Content-Disposition": disposition})
        self.chunks = chunks


class RawResponse(NamedTuple):
    """A status, encoded headers, and a body or its chunks."""

    status: int
    headers: Headers
    body: bytes
    chunks: AsyncGenerator[bytes] | None = None


def raw_response(response: HttpResponse) -> RawResponse:
    """Convert Django's response."""
    response.headers.setdefault("Cache-Control", "no-store")
    headers = encoded_headers(response.headers)
    # Django stores cookies separately from the headers. Each cookie is a separate header (RFC 6265, 3).
    headers += [(b"set-cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
    if isinstance(response, StreamedResponse):
        return RawResponse(response.status_code, headers, b"", response.chunks)
    # With 304, Content-Length would be the length of the body that is not sent (RFC 9110, 8.6).
    if response.status_code not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        headers.append((b"content-length", str(len(response.content)).encode()))
    return RawResponse(response.status_code, headers, response.content)


def encoded_headers(headers: Mapping[str, str]) -> Headers:
    """Return the headers in ASGI's form: names in lower case, names and values as bytes."""
    return [(name.lower().encode("ascii"), value.encode("latin1")) for name, value in headers.items()]
