"""A browser that signs in with an identity provider, from Keyhouse's first redirect to the last."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

RETURN_TO = "https://app.example.com/account/signed-in"
OWN_URL = "http://keyhouse.localhost"
VERIFIER = "v" * 43
REDIRECTS_MAXIMUM = 10


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge, computed independently of the application's code."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def fragment_of(response: httpx.Response, return_to: str = RETURN_TO) -> dict[str, str]:
    """Assert that the response redirects to the application, and return the parameters in the fragment."""
    assert response.status_code == 303, response.text
    address, _, fragment = response.headers["location"].partition("#")
    assert address == return_to
    return dict(parse_qsl(fragment))


def error_of(response: httpx.Response) -> str:
    """Assert that the response tells the application of an error, with a sentence for people; return its code."""
    fragment = fragment_of(response)
    assert fragment.keys() == {"error", "error_description"}
    assert fragment["error_description"].endswith(".")
    return fragment["error"]


def query_of(url: str) -> dict[str, str]:
    """Return the query parameters of a URL."""
    return dict(parse_qsl(urlsplit(url).query))


def person(sub: str = "alice", email: str = "alice@example.com", **claims: Any) -> dict[str, Any]:
    """Return the claims of a person with a verified e-mail address."""
    return {"sub": sub, "email": email, "email_verified": True, "name": "Alice Hand", **claims}


@dataclass
class Browser:
    """A browser that is signed in at every provider. `account` are the claims of its user there."""

    keyhouse: httpx.AsyncClient
    account: dict[str, Any] = field(default_factory=person)
    denies: bool = False
    auth_time: int | None = None  # when it was authenticated at the provider, None: now
    return_to: str = RETURN_TO
    verifier: str = VERIFIER

    async def start(self, name: str = "acme", **changes: str) -> httpx.Response:
        """Request the redirect to the provider from Keyhouse."""
        query = {"return_to": self.return_to, "code_challenge": challenge_of(self.verifier), **changes}
        return await self.keyhouse.get(f"/api/v1/auth/oauth/{name}/start", params=query)

    async def visit_provider(self, url: str) -> str:
        """Sign in at the provider, and return the callback URL that it redirects to."""
        headers = {"X-Account": json.dumps(self.account), **({"X-Deny": "1"} if self.denies else {})}
        if self.auth_time is not None:
            headers["X-Auth-Time"] = str(self.auth_time)
        async with httpx.AsyncClient(headers=headers) as provider:
            for _ in range(REDIRECTS_MAXIMUM):
                answer = await provider.get(url)
                assert answer.is_redirect, answer.text
                url = str(httpx.URL(url).join(answer.headers["location"]))
                if "/api/v1/auth/oauth/" in url:
                    return url
        raise AssertionError("the provider redirects too often")

    async def callback(self, name: str = "acme", **changes: str) -> str:
        """Start a sign-in, and return its callback URL without requesting it."""
        started = await self.start(name, **changes)
        assert started.status_code == 303, started.text
        return await self.visit_provider(started.headers["location"])

    async def follow(self, url: str) -> httpx.Response:
        """Request the URL from the Keyhouse application under test."""
        return await self.keyhouse.get(url.removeprefix(OWN_URL))

    async def land(self, name: str = "acme", **changes: str) -> dict[str, str]:
        """Complete the sign-in, and return the parameters in the fragment of the last redirect."""
        return fragment_of(await self.follow(await self.callback(name, **changes)), self.return_to)

    async def redeem(self, code: str, verifier: str | None = None) -> httpx.Response:
        """Redeem the code for tokens, as the application does."""
        body = {"code": code, "code_verifier": verifier or self.verifier}
        return await self.keyhouse.post("/api/v1/auth/oauth/token", json=body)

    async def sign_in(self, name: str = "acme", **changes: str) -> httpx.Response:
        """Complete the sign-in, and redeem the code."""
        return await self.redeem((await self.land(name, **changes))["code"])

    async def link(self, headers: dict[str, str], name: str = "acme") -> httpx.Response:
        """Complete the sign-in, and link the identity to the account of the session in the headers."""
        body = {"code": (await self.land(name))["code"], "code_verifier": self.verifier}
        return await self.keyhouse.post("/api/v1/auth/identities", json=body, headers=headers)
