"""Assertions that many tests use."""

import httpx


def assert_error(response: httpx.Response, status: int, code: str, field: str | None = None) -> None:
    """Assert the status, the headers and the envelope of an error, and that it names `field` if given."""
    assert (response.status_code, response.json().get("error", {}).get("code")) == (status, code), response.text
    assert response.headers["content-type"].startswith("application/json")
    envelope = response.json()
    assert set(envelope) == {"error"}
    assert set(envelope["error"]) == {"code", "message", "details", "request_id"}
    assert envelope["error"]["message"]
    assert envelope["error"]["request_id"] == response.headers["x-request-id"]
    assert ("www-authenticate" in response.headers) == (status == 401 or code == "INSUFFICIENT_SCOPES")
    if status in {429, 503}:
        assert int(response.headers["retry-after"]) >= 1
    if field is not None:
        assert field in [detail["field"] for detail in envelope["error"]["details"]]


def assert_challenge(response: httpx.Response, **parameters: str) -> None:
    """Assert that WWW-Authenticate has the scheme Bearer, our realm, and exactly these parameters (RFC 6750, 3)."""
    wanted = {"realm": "keyhouse", **parameters}
    assert response.headers["www-authenticate"] == "Bearer " + ", ".join(f'{name}="{wanted[name]}"' for name in wanted)
