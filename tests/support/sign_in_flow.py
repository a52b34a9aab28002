"""A browser that signs in with a provider, from Keyhouse's first redirect to its last."""

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
    """Return the S256 challenge, made without the program's own code."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def fragment_of(response: httpx.Response, return_to: str = RETURN_TO) -> dict[str, str]:
    """Return what a redirect to the application says; it has to lead there exactly, and to say it nowhere else."""
    assert response.status_code == 303, response.text
    address, _, fragment = response.headers["location"].partition("#")
    assert address == return_to
    return dict(parse_qsl(fragment))


def query_of(url: str) -> dict[str, str]:
    """Return an address's query."""
    return dict(parse_qsl(urlsplit(url).query))


def person(sub: str = "alice", email: str = "alice@example.com", **claims: Any) -> dict[str, Any]:
    """Return somebody whose address the provider has verified."""
    return {"sub": sub, "email": email, "email_verified": True, "name": "Alice Hand", **claims}


@dataclass
class Browser:
    """A browser, whose person is `account` at every provider: the claims that the provider knows."""

    keyhouse: httpx.AsyncClient
    account: dict[str, Any] = field(default_factory=person)
    denies: bool = False
    return_to: str = RETURN_TO
    verifier: str = VERIFIER

    async def start(self, name: str = "acme", **changes: str) -> httpx.Response:
        """Ask Keyhouse for the way to the provider."""
        query = {"return_to": self.return_to, "code_challenge": challenge_of(self.verifier), **changes}
        return await self.keyhouse.get(f"/api/v1/auth/oauth/{name}/start", params=query)

    async def visit_provider(self, url: str) -> str:
        """Sign in at the provider, and return the callback that it sends the browser to."""
        headers = {"X-Account": json.dumps(self.account), **({"X-Deny": "1"} if self.denies else {})}
        async with httpx.AsyncClient(headers=headers) as provider:
            for _ in range(REDIRECTS_MAXIMUM):
                answer = await provider.get(url)
                assert answer.is_redirect, answer.text
                url = str(httpx.URL(url).join(answer.headers["location"]))
                if "/api/v1/auth/oauth/" in url:
                    return url
        raise AssertionError("the provider goes on and on")

    async def callback(self, name: str = "acme") -> str:
        """Return the callback of a new sign-in, which the browser has not followed yet."""
        started = await self.start(name)
        assert started.status_code == 303, started.text
        return await self.visit_provider(started.headers["location"])

    async def follow(self, url: str) -> httpx.Response:
        """Go where the provider leads, at whatever address Keyhouse is really served."""
        return await self.keyhouse.get(url.removeprefix(OWN_URL))

    async def land(self, name: str = "acme") -> dict[str, str]:
        """Go the whole way, and return what the application is told in the fragment."""
        return fragment_of(await self.follow(await self.callback(name)), self.return_to)

    async def redeem(self, code: str, verifier: str | None = None) -> httpx.Response:
        """Do as the application does with the code."""
        body = {"code": code, "code_verifier": verifier or self.verifier}
        return await self.keyhouse.post("/api/v1/auth/oauth/token", json=body)

    async def sign_in(self, name: str = "acme") -> httpx.Response:
        """Go the whole way, and redeem the code."""
        return await self.redeem((await self.land(name))["code"])
