"""Malformed bodies, and bodies with invalid values."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.assertions import assert_error
from tests.support.people import Person
from tests.support.server import Server
from tests.support.untouched import untouched

KEYS = "/api/v1/api-keys"
VERIFY = "/api/v1/keys/verify"
JSON = {"Content-Type": "application/json"}
TEN_MEGABYTES = 10 * 1024 * 1024

UNREADABLE = {
    "cut off": b'{"name": ',
    "not json": b"name=key",
    "single quotes": b"{'name': 'key'}",
    "two values": b'{"name": "key"} {}',
    "nul byte": b'{"name": "ke\x00y"}',
    "only nul": b"\x00",
    "invalid utf-8": b'{"name": "\xff\xfe"}',
    "overlong utf-8": b'{"name": "\xc0\xaf"}',
    "utf-16": '{"name": "key"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"name": "key"}',
    "surrogate in utf-8": b'{"name": "\xed\xa0\x80"}',
    "lone surrogate": rb'{"name": "\ud800"}',
    "nan": b'{"name": "key", "metadata": {"a": NaN}}',
    "infinity": b'{"name": "key", "metadata": {"a": -Infinity}}',
    "number beyond double": b'{"name": "key", "metadata": {"a": 1e400}}',
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}

UNACCEPTABLE: dict[str, tuple[Any, str]] = {
    "unknown field": ({"name": "key", "surprise": 1}, "surprise"),
    "a field of the server's": ({"name": "key", "user_id": 1}, "user_id"),
    "missing field": ({}, "name"),
    "number for text": ({"name": 5}, "name"),
    "null for text": ({"name": None}, "name"),
    "blank": ({"name": "   "}, "name"),
    "too long": ({"name": "x" * 101}, "name"),
    "nul character": ({"name": "ke\x00y"}, "name"),
    "text for list": ({"name": "key", "scopes": "a:b"}, "scopes"),
    "bad item": ({"name": "key", "scopes": ["a b"]}, "scopes.0"),
    "list for object": ({"name": "key", "metadata": []}, "metadata"),
    "nul in metadata": ({"name": "key", "metadata": {"a": ["\x00"]}}, "metadata"),
    "nul in a metadata key": ({"name": "key", "metadata": {"\x00": 1}}, "metadata"),
    "large metadata": ({"name": "key", "metadata": {"a": "x" * 5000}}, "metadata"),
    "deep metadata": ({"name": "key", "metadata": {"a": json.loads("[" * 500 + "]" * 500)}}, "metadata"),
    "number beyond 64 bits": ({"name": "key", "metadata": {"a": 10**30}}, "metadata"),
    "number for a time": ({"name": "key", "expires_at": 1e300}, "expires_at"),
    "a time without zone": ({"name": "key", "expires_at": "2999-01-01T00:00:00"}, "expires_at"),
    "a time in the past": ({"name": "key", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
    "a time beyond all": ({"name": "key", "expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at"),
    "bad network": ({"name": "key", "ip_allowlist": ["300.0.0.1"]}, "ip_allowlist.0"),
    "unknown environment": ({"name": "key", "environment": "prod"}, "environment"),
}

QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no key": ({}, "key"),
    "number for a key": ({"key": 5}, "key"),
    "number for an address": ({"key": "k", "ip": 5}, "ip"),
    "huge weight": ({"key": "k", "weight": 10**30}, "weight"),
    "zero weight": ({"key": "k", "weight": 0}, "weight"),
    "fraction for weight": ({"key": "k", "weight": 1.5}, "weight"),
    "text for weight": ({"key": "k", "weight": "1"}, "weight"),
    "truth for weight": ({"key": "k", "weight": True}, "weight"),
    "huge cost": ({"key": "k", "cost": 10**30}, "cost"),
    "negative cost": ({"key": "k", "cost": "-0.000001"}, "cost"),
    "fine cost": ({"key": "k", "cost": "0.0000001"}, "cost"),
    "not a number": ({"key": "k", "cost": "NaN"}, "cost"),
    "endless cost": ({"key": "k", "cost": "Infinity"}, "cost"),
    "nul in tag": ({"key": "k", "tag": "\x00"}, "tag"),
    "nul in request id": ({"key": "k", "request_id": "\x00"}, "request_id"),
    "empty request id": ({"key": "k", "request_id": ""}, "request_id"),
    "unknown field": ({"key": "k", "surprise": 1}, "surprise"),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_malformed_body_is_rejected(server: Server, person: Person, body: bytes):
    with untouched(server):
        answer = person.client.post(KEYS, content=body, headers={**person.headers, **JSON})
    assert_error(answer, 400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(("body", "field"), UNACCEPTABLE.values(), ids=UNACCEPTABLE.keys())
def test_invalid_values_are_rejected(server: Server, person: Person, body: Any, field: str):
    with untouched(server):
        answer = person.client.post(KEYS, json=body, headers=person.headers)
    assert_error(answer, 422, "VALIDATION_FAILED", field)


@pytest.mark.parametrize("body", ["[]", "null", "5", '"key"', "true"])
def test_body_that_is_not_an_object_is_rejected(server: Server, person: Person, body: str):
    with untouched(server):
        answer = person.client.post(KEYS, content=body, headers={**person.headers, **JSON})
    assert_error(answer, 422, "VALIDATION_FAILED")


@pytest.mark.parametrize(("body", "field"), QUESTIONS.values(), ids=QUESTIONS.keys())
def test_invalid_verification_query_is_rejected(
    server: Server, client: httpx.Client, service: dict[str, str], body: dict[str, Any], field: str
):
    with untouched(server):
        answer = client.post(VERIFY, json=body, headers=service)
    assert_error(answer, 422, "VALIDATION_FAILED", field)


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", "*/*"]
)
def test_other_content_types_are_rejected(server: Server, person: Person, content_type: str | None):
    headers = {**person.headers} if content_type is None else {**person.headers, "Content-Type": content_type}
    with untouched(server):
        answer = person.client.post(KEYS, content=b'{"name": "key"}', headers=headers)
    assert_error(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_content_type_with_parameters_is_accepted(person: Person):
    headers = {**person.headers, "Content-Type": "Application/JSON; charset=utf-8"}
    assert person.client.post(KEYS, content=b'{"name": "key"}', headers=headers).status_code == 201


def test_large_content_length_is_rejected(server: Server, person: Person):
    with untouched(server):
        answer = person.client.post(KEYS, content=b" " * TEN_MEGABYTES, headers={**person.headers, **JSON})
    assert_error(answer, 413, "PAYLOAD_TOO_LARGE")


def test_large_chunked_body_is_rejected(server: Server, person: Person):
    def chunks() -> Iterator[bytes]:
        for _ in range(TEN_MEGABYTES // 65536):
            yield b" " * 65536

    with untouched(server):
        answer = person.client.post(KEYS, content=chunks(), headers={**person.headers, **JSON})
    assert_error(answer, 413, "PAYLOAD_TOO_LARGE")


def test_error_repeats_no_secret(client: httpx.Client):
    body = {"email": "x", "username": "x y", "password": "a secret of mine\x00"}
    answer = client.post("/api/v1/users", json=body)
    assert_error(answer, 422, "VALIDATION_FAILED", "password")
    assert "a secret of mine" not in answer.text


def test_empty_body_lacks_required_fields(server: Server, person: Person):
    with untouched(server):
        answer = person.client.post(KEYS, content=b"", headers={**person.headers, **JSON})
    assert_error(answer, 422, "VALIDATION_FAILED")
