"""Responses as the API application sends them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from django.http import HttpResponse

from apps.core.http.asgi import Headers


class RawResponse(NamedTuple):
    """A status, encoded headers and a body."""

    status: int
    headers: Headers
    body: bytes


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
