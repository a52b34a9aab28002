"""Parsing and rendering JSON."""

import pytest
from django.test import RequestFactory

from apps.core.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType
from apps.core.http.json_codec import JsonParser, JsonRenderer

pytestmark = pytest.mark.unit


def parse(body: bytes, content_type: str = "application/json"):
    return JsonParser().parse_body(RequestFactory().generic("POST", "/", body, CONTENT_TYPE=content_type))


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"{}", {}), (b' {"a": [1, null, true]} ', {"a": [1, None, True]}), ('"é"'.encode(), "é"), (b"null", None)],
)
def test_json_is_parsed(body, value):
    assert parse(body) == value


def test_anonymous_body_is_limited_to_128_kibibytes():
    longest = b'"%s"' % (b"x" * (128 * 1024 - 2))
    assert parse(longest) == "x" * (128 * 1024 - 2)
    with pytest.raises(PayloadTooLarge):
        parse(longest + b" ")


def test_authenticated_body_may_be_longer():
    request = RequestFactory().generic("POST", "/", b'"%s"' % (b"x" * 1_000_000), CONTENT_TYPE="application/json")
    request.auth = "principal"  # type: ignore[attr-defined]
    assert JsonParser().parse_body(request) == "x" * 1_000_000


def test_content_type_may_have_a_charset():
    assert parse(b"{}", "application/json; charset=utf-8") == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a": 1,}',
        b"{'a': 1}",
        b"{} {}",
        b'{"a": NaN}',
        b"Infinity",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        rb'"\ud800"',
        b'"\x00"',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b"[" * 2000 + b"]" * 2000,
    ],
    ids=lambda body: f"{body[:12]!r} {len(body)}",
)
def test_invalid_json_is_rejected(body):
    with pytest.raises(MalformedRequest):
        parse(body)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "text/json", "application/json2", "application/xml"],
)
def test_other_content_types_are_rejected(content_type):
    with pytest.raises(UnsupportedMediaType):
        parse(b"{}", content_type)


def test_json_is_rendered():
    request = RequestFactory().get("/")
    assert JsonRenderer().render(request, {"a": ["é", None, 1]}, response_status=200) == '{"a":["é",null,1]}\n'.encode()
