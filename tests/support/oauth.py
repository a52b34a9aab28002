"""Calls of the OAuth endpoints, and checks of their errors."""

from typing import Any

import httpx

from tests.support.factories import IssuedKey

OAUTH = "/api/v1/oauth"
GRANT = {"grant_type": "client_credentials"}


def client_of(key: IssuedKey) -> httpx.BasicAuth:
    """Return the key as client credentials for HTTP Basic."""
    return httpx.BasicAuth(str(key.id), key.secret)


async def exchange(api: httpx.AsyncClient, key: IssuedKey, scope: str = "") -> str:
    """Return a token for the key."""
    form = {**GRANT, "scope": scope} if scope else GRANT
    response = await api.post(f"{OAUTH}/token", data=form, auth=client_of(key))
    assert response.status_code == 200, response.text
    token: str = response.json()["access_token"]
    return token


async def introspect(api: httpx.AsyncClient, caller: IssuedKey, token: str, **form: str) -> dict[str, Any]:
    """Return the response to the caller that introspects the token."""
    response = await api.post(f"{OAUTH}/introspect", data={"token": token, **form}, auth=client_of(caller))
    assert response.status_code == 200, response.text
    described: dict[str, Any] = response.json()
    return described


def assert_oauth_error(response: httpx.Response, status: int, error: str) -> None:
    """Assert the status, the headers and the body of an OAuth error (RFC 6749, 5.2)."""
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
