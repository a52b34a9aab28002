"""An answer, as it is sent."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import NamedTuple

from django.http import HttpResponse

from apps.core.http.asgi_types import Headers, Scope


class Answer(NamedTuple):
    """A status, headers and a body."""

    status: int
    headers: Headers
    body: bytes


# A short way for one address: answers a request that it knows well, and leaves any other (None) to the usual way.
Lane = Callable[[Scope, bytes], Awaitable[Answer | None]]


def answer_of(response: HttpResponse) -> Answer:
    """Return Django's response as an answer."""
    response.headers.setdefault("Cache-Control", "no-store")
    headers = [(name.lower().encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    # Django keeps cookies apart from the headers; each is a header of its own (RFC 6265, 3).
    headers += [(b"set-cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
    # With 304, the length would be that of the body which is not sent (RFC 9110, 8.6).
    if response.status_code not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        headers.append((b"content-length", str(len(response.content)).encode()))
    return Answer(response.status_code, headers, response.content)
