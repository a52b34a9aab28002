"""Speaks to the OAuth endpoints, and checks what they refuse."""

from typing import Any

import httpx

from tests.support.factories import IssuedKey

OAUTH = "/api/v1/oauth"
GRANT = {"grant_type": "client_credentials"}


def client_of(key: IssuedKey) -> httpx.BasicAuth:
    """Return the key as a client's credentials in HTTP Basic."""
    return httpx.BasicAuth(str(key.id), key.secret)


async def exchange(api: httpx.AsyncClient, key: IssuedKey, scope: str = "") -> str:
    """Return a token for the key."""
    asked = {**GRANT, "scope": scope} if scope else GRANT
    answer = await api.post(f"{OAUTH}/token", data=asked, auth=client_of(key))
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


async def introspect(api: httpx.AsyncClient, caller: IssuedKey, token: str, **form: str) -> dict[str, Any]:
    """Return what the caller is told of the token."""
    answer = await api.post(f"{OAUTH}/introspect", data={"token": token, **form}, auth=client_of(caller))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def assert_oauth_error(response: httpx.Response, status: int, error: str) -> None:
    """Check an error's status, headers and whole body (RFC 6749, 5.2)."""
    assert (response.status_code, response.json().get("error")) == (status, error), response.text
    assert set(response.json()) == {"error", "error_description"}
    description = response.json()["error_description"]
    assert description
    assert description.isascii()
    assert not {'"', "\\"} & set(description)
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in response.headers) == (status == 401)
    if status in {429, 503}:
        assert int(response.headers["retry-after"]) >= 1
