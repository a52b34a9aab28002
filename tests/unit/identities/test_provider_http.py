"""Requests to a misbehaving provider, over real connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from apps.identities.domain.provider import InvalidProviderResponse, ProviderError, ProviderUnavailable
from apps.identities.services.provider_http import RESPONSE_BYTES_MAXIMUM, ProviderHttp
from tests.support.server import free_port

pytestmark = pytest.mark.unit


class Answers:
    """A server that answers every connection with the same bytes, or with none, and keeps what it was sent."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(request)
        if self.answer is None:
            await reader.read()
        else:
            writer.write(self.answer)
        writer.close()


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[Answers]:
    answers = Answers(answer)
    server = await asyncio.start_server(answers.serve, "127.0.0.1", 0)
    answers.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server:
        yield answers


def http(status: str, body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


async def test_json_is_read():
    async with answering(http("200 OK", b'{"a": 1}')) as server:
        assert await ProviderHttp().get(server.url, "token") == {"a": 1}
    (request,) = server.requests
    assert b"authorization: bearer token" in request.lower()
    assert b"accept-encoding: identity" in request.lower()


async def test_form_is_posted_with_form_encoded_client_credentials():
    """RFC 6749, 2.3.1."""
    async with answering(http("400 Bad Request", b'{"error": "invalid_grant"}')) as server:
        answer = await ProviderHttp().post_form(server.url, {"code": "a b"}, ("id", "a+b:c"))
    assert (answer.status, answer.content) == (400, {"error": "invalid_grant"})
    assert b"Authorization: Basic aWQ6YSUyQmIlM0Fj\r\n" in server.requests[0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http("302 Found", b"{}", "Location: http://127.0.0.1:1/\r\n"), InvalidProviderResponse),
        (http("404 Not Found", b"{}"), InvalidProviderResponse),
        (http("200 OK", b"<html>"), InvalidProviderResponse),
        (http("200 OK", b"[" * 200_000), InvalidProviderResponse),
        (http("200 OK", b'"' + b"a" * RESPONSE_BYTES_MAXIMUM + b'"'), InvalidProviderResponse),
        (http("200 OK", b"\x1f\x8b", "Content-Encoding: gzip\r\n"), InvalidProviderResponse),
        (http("500 Internal Server Error", b"{}"), ProviderUnavailable),
        (http("503 Service Unavailable", b"{}"), ProviderUnavailable),
        (http("429 Too Many Requests", b"{}"), ProviderUnavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", ProviderUnavailable),
        (b"nonsense\r\n\r\n", ProviderUnavailable),
        (b"", ProviderUnavailable),
    ],
    ids=[
        "redirect",
        "missing",
        "html",
        "deep",
        "long",
        "compressed",
        "broken",
        "away",
        "busy",
        "cut off",
        "nonsense",
        "nothing",
    ],
)
async def test_invalid_response_is_refused(answer: bytes, error: type[ProviderError]):
    async with answering(answer) as server:
        with pytest.raises(error):
            await ProviderHttp().get(server.url)
    assert len(server.requests) == 1


async def test_silent_provider_times_out():
    async with answering(None) as server:
        with pytest.raises(ProviderUnavailable):
            await ProviderHttp(exchange_seconds=0.2).get(server.url)


async def test_unreachable_provider_is_unavailable():
    with pytest.raises(ProviderUnavailable):
        await ProviderHttp().get(f"http://127.0.0.1:{free_port()}/")
