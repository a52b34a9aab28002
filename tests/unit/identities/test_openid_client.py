"""Requests to an OpenID provider, and which responses are refused."""

from typing import Any

import pytest

from apps.identities.domain.provider import (
    InvalidProviderResponse,
    ProviderError,
    ProviderKind,
    ProviderRefused,
    ProviderUnavailable,
)
from apps.identities.services import provider_metadata
from apps.identities.services.provider_clients import AuthorizationCode, OpenIdClient
from apps.identities.services.provider_http import ProviderHttp, ProviderResponse
from tests.unit.identities.forged import EC_KEY, ISSUER, KEY, NONCE, provider, token

pytestmark = pytest.mark.unit

CODE = AuthorizationCode("code", "https://api.example.com/callback", NONCE, "v" * 43)
TOKENS = {"access_token": "token", "token_type": "Bearer"}


class ScriptedHttp(ProviderHttp):
    """Responds as a provider would, and keeps the requests."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.requested: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.credentials: list[Any] = []  # of each request: an access token, the client by HTTP Basic, or None
        self.documents: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/auth",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/jwks",
                "userinfo_endpoint": f"{ISSUER}/me",
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            },
            "/jwks": {"keys": [KEY.as_dict(private=False)]},
            "/me": {"sub": "alice", "email": "ann@example.com", "email_verified": True},
        }
        self.tokens: tuple[int, Any] = (200, {**TOKENS, "id_token": token(), **changes})

    async def get(self, url: str, access_token: str | None = None) -> Any:
        self.requested.append(url.removeprefix(ISSUER))
        self.credentials.append(access_token)
        return self.documents[url.removeprefix(ISSUER)]

    async def post_form(self, url: str, fields: Any, basic: tuple[str, str] | None = None) -> ProviderResponse:
        self.requested.append(url.removeprefix(ISSUER))
        self.forms.append(dict(fields))
        self.credentials.append(basic)
        return ProviderResponse(*self.tokens)


async def test_code_is_spent_with_the_verifier_and_the_secret():
    http = ScriptedHttp()
    profile = await OpenIdClient(provider(), http).profile(CODE)
    assert (profile.subject, profile.email, profile.is_verified) == ("alice", "ann@example.com", True)
    assert http.requested == ["/.well-known/openid-configuration", "/token", "/jwks", "/me"]
    assert http.credentials == [None, None, None, "token"]
    assert http.forms == [
        {
            "grant_type": "authorization_code",
            "code": "code",
            "redirect_uri": "https://api.example.com/callback",
            "code_verifier": "v" * 43,
            "client_id": "keyhouse",
            "client_secret": "secret",
        }
    ]


async def test_secret_is_sent_in_the_header_alone_where_the_provider_reads_it_there():
    http = ScriptedHttp(id_token=token(email="ann@example.com", email_verified=True))
    http.documents["/.well-known/openid-configuration"]["token_endpoint_auth_methods_supported"] = [
        "client_secret_basic"
    ]
    await OpenIdClient(provider(), http).profile(CODE)
    assert http.credentials == [None, ("keyhouse", "secret"), None]
    assert [sorted(form) for form in http.forms] == [["code", "code_verifier", "grant_type", "redirect_uri"]]


async def test_published_documents_are_kept():
    http = ScriptedHttp()
    client = OpenIdClient(provider(), http)
    for _ in range(3):
        await client.profile(CODE)
    assert http.requested.count("/.well-known/openid-configuration") == http.requested.count("/jwks") == 1


async def test_new_key_is_fetched_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(provider_metadata, "REFRESH_SECONDS", 0)
    http = ScriptedHttp()
    client = OpenIdClient(provider(), http)
    await client.profile(CODE)
    http.documents["/jwks"] = {"keys": [EC_KEY.as_dict(private=False)]}
    http.tokens = (200, {**TOKENS, "id_token": token("ES256", EC_KEY, "two")})
    assert (await client.profile(CODE)).subject == "alice"
    http.tokens = (200, {**TOKENS, "id_token": token(kid="three")})
    with pytest.raises(InvalidProviderResponse):
        await client.profile(CODE)
    assert http.requested.count("/jwks") == 3


async def test_concurrent_unknown_keys_are_fetched_at_intervals():
    http = ScriptedHttp()
    client = OpenIdClient(provider(), http)
    http.tokens = (200, {**TOKENS, "id_token": token(kid="three")})
    for _ in range(5):
        with pytest.raises(InvalidProviderResponse):
            await client.profile(CODE)
    assert http.requested.count("/jwks") == 1


async def test_userinfo_of_another_subject_is_refused():
    """OpenID Connect Core 5.3.2: the access token could be another person's."""
    for about in ({"sub": "bob", "email": "bob@example.com", "email_verified": True}, {"email": "a@b.c"}, ["alice"]):
        http = ScriptedHttp()
        http.documents["/me"] = about
        with pytest.raises(InvalidProviderResponse):
            await OpenIdClient(provider(), http).profile(CODE)


async def test_userinfo_does_not_override_the_id_token():
    http = ScriptedHttp(id_token=token(email="ann@example.com", email_verified=False))
    assert not (await OpenIdClient(provider(), http).profile(CODE)).is_verified
    assert "/me" not in http.requested


async def test_userinfo_of_microsoft_is_not_fetched():
    http = ScriptedHttp()
    profile = await OpenIdClient(provider(ProviderKind.MICROSOFT), http).profile(CODE)
    assert (profile.email, "/me" in http.requested) == ("", False)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, {"error": "invalid_grant"}), ProviderRefused),
        ((401, {"error": "invalid_client"}), ProviderRefused),
        ((200, {"error": "bad_verification_code"}), ProviderRefused),
        ((400, {"error": ["x"]}), ProviderRefused),
        ((400, {"error": "temporarily_unavailable"}), ProviderUnavailable),
        ((400, {}), ProviderRefused),
        ((200, {}), InvalidProviderResponse),
        ((200, []), InvalidProviderResponse),
        ((200, {**TOKENS}), InvalidProviderResponse),
        ((200, {**TOKENS, "id_token": 7}), InvalidProviderResponse),
        ((200, {**TOKENS, "id_token": token(), "token_type": "mac"}), InvalidProviderResponse),
        ((200, {**TOKENS, "id_token": token(), "access_token": ""}), InvalidProviderResponse),
        ((200, {**TOKENS, "id_token": token(), "access_token": "a\r\nb"}), InvalidProviderResponse),
    ],
)
async def test_malformed_token_response_is_refused(answer: tuple[int, Any], error: type[ProviderError]):
    http = ScriptedHttp()
    http.tokens = answer
    with pytest.raises(error):
        await OpenIdClient(provider(), http).profile(CODE)


async def test_issuer_of_the_response_is_verified():
    client = OpenIdClient(provider(), ScriptedHttp())
    await client.require_issuer(ISSUER)
    await client.require_issuer(None)
    for iss in ("https://evil.example.com", "", f"{ISSUER}/"):
        with pytest.raises(InvalidProviderResponse):
            await client.require_issuer(iss)


async def test_missing_issuer_is_refused_where_it_is_announced():
    http = ScriptedHttp()
    http.documents["/.well-known/openid-configuration"]["authorization_response_iss_parameter_supported"] = True
    with pytest.raises(InvalidProviderResponse):
        await OpenIdClient(provider(), http).require_issuer(None)
