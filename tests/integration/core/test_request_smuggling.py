"""Requests that two servers could read differently: each is refused, or read in the one way that RFC 9112 allows.

After each either the connection has ended, or the next request on it gets its own answer.
"""

import pytest

from tests.support.wire import INLINE, Connections, bodies, request

MARKER = request(path="/marker")
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: keyhouse.localhost\r\n\r\n"
POST = b"POST /inline HTTP/1.1\r\nHost: keyhouse.localhost\r\n"
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def _post(*lines: bytes, body: bytes = SMUGGLED) -> bytes:
    return POST + b"".join([line + b"\r\n" for line in lines]) + b"\r\n" + body


SMUGGLING = {
    "length and chunks": _post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
    "chunks and length": _post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + SMUGGLED),
    "two lengths": _post(b"Content-Length: 0", b"Content-Length: 49"),
    "the same length twice": _post(b"Content-Length: 4", b"Content-Length: 4", body=b"abcd"),
    "list of lengths": _post(b"Content-Length: 4, 4", body=b"abcd"),
    "signed length": _post(b"Content-Length: +4", body=b"abcd"),
    "negative length": _post(b"Content-Length: -1"),
    "hexadecimal length": _post(b"Content-Length: 0x4", body=b"abcd"),
    "length with a space": _post(b"Content-Length: 4 0", body=b"abcd"),
    "length without a number": _post(b"Content-Length:"),
    "huge length": _post(b"Content-Length: 99999999999999999999999", body=b""),
    "space before the colon": _post(b"Content-Length : 49"),
    "space before the name": _post(b"X: a", b" Content-Length: 49"),
    "folded": _post(b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n" + SMUGGLED),
    "chunks, but for a letter": _post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + SMUGGLED),
    "chunks twice": _post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunks and another": _post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
    "chunks not last": _post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n" + SMUGGLED),
    "another coding": _post(b"Transfer-Encoding: gzip"),
    "chunks with a vertical tab": _post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n" + SMUGGLED),
    "chunks after NUL": _post(b"Transfer-Encoding: \x00chunked", body=b"0\r\n\r\n" + SMUGGLED),
    "chunks in HTTP/1.0": CHUNKS.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n" + SMUGGLED,
    "bare line feeds": b"POST /inline HTTP/1.1\nHost: a\nContent-Length: 0\n\n" + SMUGGLED,
    "line feed in a value": _post(b"X: a\nContent-Length: 49"),
    "carriage return in a value": _post(b"X: a\rContent-Length: 49"),
    "NUL in a value": _post(b"X: a\x00b", b"Content-Length: 0"),
    "NUL in a name": _post(b"X\x00: a"),
    "no colon": _post(b"Content-Length 49"),
    "no name": _post(b": 49"),
    "chunk of no number": CHUNKS + b"x\r\n" + SMUGGLED,
    "chunk of a huge number": CHUNKS + b"fffffffffffffffff\r\n" + SMUGGLED,
    "chunk with 0x": CHUNKS + b"0x0\r\n\r\n" + SMUGGLED,
    "chunk with a sign": CHUNKS + b"-1\r\n" + SMUGGLED,
    "chunk with a space": CHUNKS + b"0 \r\n\r\n" + SMUGGLED,
    "chunk with a line feed": CHUNKS + b"0\n\n" + SMUGGLED,
    "chunk longer than its size": CHUNKS + b"1\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "chunk without its end": CHUNKS + b"1\r\na0\r\n\r\n" + SMUGGLED,
    "line feed in an extension": CHUNKS + b"1;a=\nb\r\nx\r\n0\r\n\r\n" + SMUGGLED,
    "trailer that looks like a length": CHUNKS + b"0\r\nContent-Length: 49\r\n\r\n",
    "method in small letters": b"post /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "unknown method": b"BREW /inline HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "version 2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n" + SMUGGLED,
    "version 0.9": b"GET /\r\n\r\n" + SMUGGLED,
    "no version": b"GET / \r\nHost: a\r\n\r\n" + SMUGGLED,
    "tab in the first line": b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "bytes in the path": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "CONNECT": b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + SMUGGLED,
    "server-wide": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "another scheme": b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "user in the URL": b"GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "URL without a host": b"GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "upgrade": request(headers=[b"Connection: upgrade", b"Upgrade: h2c"]) + SMUGGLED,
    "upgrade with a body": request("POST", INLINE, SMUGGLED, [b"Connection: upgrade", b"Upgrade: h2c"]),
    "upgrade with chunks": _post(
        b"Connection: upgrade", b"Upgrade: x", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "after the last": request("POST", INLINE, b"one", [b"Connection: close"]) + SMUGGLED,
    "long header": _post(b"X: " + b"a" * 70_000, b"Content-Length: 0"),
    "many headers": _post(*[b"X%d: a" % n for n in range(101)], b"Content-Length: 0"),
    "long path": request("POST", "/" + "a" * 70_000, b""),
}
# Errors are answered by the protocol, which does not know what the application would have answered.
SERVED = {"upgrade", "after the last"}
STATUSES = {"long header": 431, "many headers": 431, "long path": 431, "method in small letters": 405,
            "unknown method": 405, "tab in the first line": 405}  # fmt: skip


@pytest.mark.parametrize("name", SMUGGLING)
@pytest.mark.parametrize("is_inline", [True, False])
async def test_nothing_is_smuggled(name: str, is_inline: bool):
    answers, has_ended = await Connections(is_inline=is_inline).converse(SMUGGLING[name], MARKER)
    assert not any(b"smuggled" in answer.body for answer in answers)
    if name in SERVED:
        assert answers[0].status == 200
    else:
        assert [answer.status for answer in answers] == [STATUSES.get(name, 400)]
        assert b'{"error":{"code":' in answers[0].body
        assert has_ended
    if not has_ended:
        assert bodies(answers)[-1] == (200, b"GET /marker")


@pytest.mark.parametrize("name", SMUGGLING)
async def test_errors_do_not_depend_on_pieces(name: str):
    stream = request("POST", INLINE, b"one") + SMUGGLING[name]
    whole = await Connections().converse(stream)
    step = max(1, len(stream) // 97)
    for offset in range(0, len(stream), step):
        split = await Connections().converse(stream[:offset], stream[offset:])
        assert (bodies(split[0]), split[1]) == (bodies(whole[0]), whole[1]), offset
