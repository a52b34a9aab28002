"""Reading of forms, and error responses."""

import json
from typing import Any

import pytest
from django.test import RequestFactory

from apps.core.errors import DomainError, InternalError, NotAllowed, TooManyRequests, Unavailable
from apps.oauth.routers.oauth_request import (
    FIELDS_MAXIMUM,
    FORM_BYTES_MAXIMUM,
    FORM_TYPE,
    oauth_error_response,
    read_form,
    with_oauth_errors,
)
from apps.oauth.services.oauth_errors import (
    ClientLimited,
    InvalidBearerToken,
    InvalidClient,
    OAuthError,
    UnauthorizedClient,
)

pytestmark = pytest.mark.unit


def form(body: bytes, content_type: str = FORM_TYPE) -> dict[str, str]:
    return read_form(RequestFactory().post("/", body, content_type=content_type))


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"a=b&c=d", {"a": "b", "c": "d"}),
        (b"a=b+c%20d%2B", {"a": "b c d+"}),
        (b"a=&b", {}),
        ("a=\u00e9&b=%C3%A9".encode(), {"a": "\u00e9", "b": "\u00e9"}),
        (b"a=" + b"x" * (FORM_BYTES_MAXIMUM - 2), {"a": "x" * (FORM_BYTES_MAXIMUM - 2)}),
        ("&".join(f"p{n}=x" for n in range(FIELDS_MAXIMUM)).encode(), {f"p{n}": "x" for n in range(FIELDS_MAXIMUM)}),
    ],
)
def test_form_is_read(body: bytes, read: dict[str, str]):
    assert form(body) == form(body, f"{FORM_TYPE}; charset=UTF-8") == read


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=b", "application/json"),
        (b"a=b", "text/plain"),
        (b"a=b", ""),
        (b"a=" + b"x" * (FORM_BYTES_MAXIMUM - 1), FORM_TYPE),
        (b"a=\xff", FORM_TYPE),
        (b"a=%ff", FORM_TYPE),
        (b"a=b&a=c", FORM_TYPE),
        (b"a=b&%61=", FORM_TYPE),
        (b"&".join(b"p%d=x" % n for n in range(FIELDS_MAXIMUM + 1)), FORM_TYPE),
    ],
)
def test_invalid_form_is_rejected(body: bytes, content_type: str):
    with pytest.raises(OAuthError) as rejected:
        form(body, content_type)
    assert (rejected.value.status, rejected.value.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("error", "status", "code", "challenge"),
    [
        (OAuthError(), 400, "invalid_request", None),
        (UnauthorizedClient(), 400, "unauthorized_client", None),
        (InvalidClient(), 401, "invalid_client", 'Basic realm="keyhouse", charset="UTF-8"'),
        (InvalidBearerToken(), 401, "invalid_token", 'Bearer realm="keyhouse", error="invalid_token"'),
        (TooManyRequests(retry_after_seconds=7), 429, "temporarily_unavailable", None),
        (ClientLimited([], 7), 429, "temporarily_unavailable", None),
        (Unavailable(), 503, "temporarily_unavailable", None),
        (InternalError("x"), 500, "server_error", None),
        (NotAllowed(), 400, "invalid_request", None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_error_becomes_an_oauth_response(error: DomainError, status: int, code: str, challenge: str | None):
    response = oauth_error_response(error)
    body: dict[str, Any] = json.loads(response.content)
    assert (response.status_code, body["error"], set(body)) == (status, code, {"error", "error_description"})
    assert response.headers.get("WWW-Authenticate") == challenge
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")
    assert ("Retry-After" in response.headers) == (status in {429, 503})


def test_limited_client_gets_the_seconds_and_the_status_of_its_limits():
    limited = ClientLimited([], 7)
    assert oauth_error_response(limited).headers["Retry-After"] == "7"
    assert (limited.rate_limits, limited.public_message) == (
        [],
        "The API key has exceeded its rate limit. Retry in 7 seconds.",
    )


def test_description_has_only_allowed_characters():
    response = oauth_error_response(OAuthError('say "\u00e9\\\n'))
    assert json.loads(response.content)["error_description"] == "say ''''"


async def test_unexpected_error_is_answered_without_details():
    @with_oauth_errors
    async def broken(_request: Any) -> None:
        raise ZeroDivisionError("secret")

    response = await broken(RequestFactory().post("/"))
    assert (response.status_code, json.loads(response.content)["error"]) == (500, "server_error")
    assert b"secret" not in response.content
