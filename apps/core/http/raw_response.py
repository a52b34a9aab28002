"""A response as the API application sends it."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from django.http import HttpResponse

from apps.core.http.asgi_types import Headers, Scope


class RawResponse(NamedTuple):
    """A status, encoded headers and a body."""

    status: int
    headers: Headers
    body: bytes


# The short way of one path: answers the requests that it knows well, and returns None to leave any other to Ninja.
FastPath = Callable[[Scope, bytes], Awaitable[RawResponse | None]]


def raw_response(response: HttpResponse) -> RawResponse:
    """Return Django's response, encoded."""
    response.headers.setdefault("Cache-Control", "no-store")
    headers = encoded_headers(response.headers)
    # Django keeps cookies apart from the headers; each is a header of its own (RFC 6265, 3).
    headers += [(b"set-cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
    # With 304, the length would be that of the body which is not sent (RFC 9110, 8.6).
    if response.status_code not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        headers.append((b"content-length", str(len(response.content)).encode()))
    return RawResponse(response.status_code, headers, response.content)


def encoded_headers(headers: Mapping[str, str]) -> Headers:
    """Return the headers as ASGI has them: names in lower case, both as bytes."""
    return [(name.lower().encode("ascii"), value.encode("latin1")) for name, value in headers.items()]
