"""Credentials that are none, are forged, are past, or are somebody else's."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

from apps.api_keys.services.key_format import generate_key
from apps.authentication.services.signed_tokens import MEDIA_TYPE
from tests.support.assertions import assert_error
from tests.support.forgery import bearer, claims_of, genuine_key, moved, signed
from tests.support.people import Person, sign_up
from tests.support.raw_http import exchange, message
from tests.support.server import Server
from tests.support.untouched import untouched

ME = "/api/v1/users/me"
VERIFY = "/api/v1/keys/verify"
Forge = Callable[[Server, dict[str, Any]], dict[str, str]]


def _without_algorithm(_server: Server, claims: dict[str, Any]) -> dict[str, str]:
    return bearer(jwt.encode(claims, "", algorithm="none"))


def _without_algorithm_but_our_key_id(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    return bearer(jwt.encode(claims, "", algorithm="none", headers={"typ": MEDIA_TYPE, "kid": genuine_key(server)[0]}))


def _other_key(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    kid, _ = genuine_key(server)
    return bearer(
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"typ": MEDIA_TYPE, "kid": kid})
    )


def _unknown_key_id(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    return signed(server, claims, kid="\x00' OR 1=1")


def _public_key_as_secret(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    kid, private_key = genuine_key(server)
    raw = private_key.public_key().public_bytes_raw()
    return bearer(jwt.encode(claims, raw, algorithm="HS256", headers={"typ": MEDIA_TYPE, "kid": kid}))


def _public_pem_as_secret(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    kid, private_key = genuine_key(server)
    pem = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed_part = ".".join(map(_part, ({"alg": "HS256", "typ": MEDIA_TYPE, "kid": kid}, claims)))
    return bearer(f"{signed_part}.{_encoded(hmac.digest(pem, signed_part.encode(), 'sha256'))}")


def _rsa(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    headers = {"typ": MEDIA_TYPE, "kid": genuine_key(server)[0]}
    return bearer(jwt.encode(claims, key, algorithm="RS256", headers=headers))


def _own_key_in_the_header(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    key = Ed25519PrivateKey.generate()
    jwk = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    headers = {"typ": MEDIA_TYPE, "kid": genuine_key(server)[0], "jwk": jwk}
    return bearer(jwt.encode(claims, key, algorithm="EdDSA", headers=headers))


def _part(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _tampered(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    head, _, signature = signed(server, claims)["Authorization"].removeprefix("Bearer ").split(".")
    payload = _other_key(server, {**claims, "sub": "1"})["Authorization"].split(".")[1]
    return bearer(f"{head}.{payload}.{signature}")


FORGERIES: dict[str, Forge] = {
    "alg none": _without_algorithm,
    "alg none with our key id": _without_algorithm_but_our_key_id,
    "other key": _other_key,
    "unknown key id": _unknown_key_id,
    "public key as secret": _public_key_as_secret,
    "public key in PEM as secret": _public_pem_as_secret,
    "RSA": _rsa,
    "own key in the header": _own_key_in_the_header,
    "key at an address": lambda server, claims: signed(server, claims, jku="https://evil.example.com/jwks.json"),
    "certificate at an address": lambda server, claims: signed(server, claims, x5u="https://evil.example.com/a.pem"),
    "certificate in the header": lambda server, claims: signed(server, claims, x5c=["MIIB"]),
    "path for a key id": lambda server, claims: signed(server, claims, kid="../../../../dev/null"),
    "long key id": lambda server, claims: signed(server, claims, kid="x" * 4000),
    "critical header": lambda server, claims: signed(server, claims, crit=["exp"]),
    "an ID token": lambda server, claims: signed(server, claims, typ="JWT"),
    "tampered": _tampered,
    "cut off": lambda server, claims: bearer(signed(server, claims)["Authorization"].removeprefix("Bearer ")[:-9]),
    "expired": lambda server, claims: signed(server, moved(claims, -timedelta(hours=1))),
    "future": lambda server, claims: signed(server, moved(claims, timedelta(hours=1))),
    "not yet": lambda server, claims: signed(server, {**claims, "nbf": claims["exp"]}),
    "without expiry": lambda server, claims: signed(server, {k: v for k, v in claims.items() if k != "exp"}),
    "endless": lambda server, claims: signed(server, {**claims, "exp": float("inf")}),
    "other issuer": lambda server, claims: signed(server, {**claims, "iss": "evil"}),
    "other audience": lambda server, claims: signed(server, {**claims, "aud": "evil"}),
    "unknown user": lambda server, claims: signed(server, {**claims, "sub": str(2**70)}),
    "not a user": lambda server, claims: signed(server, {**claims, "sub": "me"}),
    "administrator": lambda server, claims: signed(server, {**claims, "sub": "1"}),
    "unknown session": lambda server, claims: signed(server, {**claims, "sid": 2**62}),
    "session beyond 64 bits": lambda server, claims: signed(server, {**claims, "sid": 2**64}),
    "negative session": lambda server, claims: signed(server, {**claims, "sid": -1}),
    "session of nothing": lambda server, claims: signed(server, {**claims, "sid": None}),
    "list of claims": lambda server, claims: signed(server, {**claims, "sub": ["1"]}),
}
NO_CREDENTIALS = {
    "none": {},
    "empty bearer": {"Authorization": "Bearer "},
    "bare bearer": {"Authorization": "Bearer"},
    "basic": {"Authorization": "Basic YWRtaW46YWRtaW4="},
    "garbage": {"Authorization": "!\"#$%&'()*+"},
    "not a token": {"Authorization": "Bearer a.b.c"},
    "many dots": {"Authorization": "Bearer " + "." * 1000},
    "long": {"Authorization": "Bearer " + "a" * 8000},
    "latin-1": {"Authorization": "Bearer \xff\xfe"},
    "empty key": {"X-API-Key": ""},
    "latin-1 key": {"X-API-Key": "sk_live_\xff"},
    "long key": {"X-API-Key": "sk_live_" + "a" * 8000},
    "unknown key": {"X-API-Key": generate_key("live")},
    "unknown key as bearer": {"Authorization": f"Bearer {generate_key('test')}"},
}


def test_a_token_made_by_the_forger_s_own_means_can_be_genuine(server: Server, person: Person):
    answer = person.client.get(ME, headers=signed(server, claims_of(person.headers)))
    assert (answer.status_code, answer.json()["id"]) == (200, person.id)


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_forged_token(server: Server, person: Person, forge: Forge):
    forged = forge(server, claims_of(person.headers))
    with untouched(server):
        answer = person.client.patch(ME, json={"full_name": "Mallory"}, headers=forged)
    assert_error(answer, 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("headers", NO_CREDENTIALS.values(), ids=NO_CREDENTIALS.keys())
def test_no_credential(server: Server, headers: dict[str, str]):
    sent = {**headers, "Content-Type": "application/json"}
    with untouched(server):
        answer = exchange(server.url, message(b"PATCH " + ME.encode(), sent, b'{"full_name": "Mallory"}'))
    assert_error(answer, 401, "NOT_AUTHENTICATED")


def test_a_token_in_the_address(server: Server, person: Person):
    token = person.headers["Authorization"].removeprefix("Bearer ")
    with untouched(server):
        for name in ("access_token", "token", "authorization"):
            answer = person.client.patch(ME, params={name: token}, json={"full_name": "Mallory"})
            assert_error(answer, 401, "NOT_AUTHENTICATED")


def test_a_header_within_a_header(server: Server, person: Person):
    """A line feed inside a value ends it; what follows is a header of its own, and here one too many."""
    for smuggled in ("Bearer x\r\nX-API-Key: sk_live_x", "Bearer x\nX-API-Key: sk_live_x"):
        with untouched(server):
            answer = exchange(server.url, message(b"GET " + ME.encode(), {"Authorization": smuggled}))
        assert answer.status_code in {400, 401}
        assert "sk_live_x" not in answer.text


@pytest.mark.parametrize("value", ["\x01\x02", "Bearer a\x00b"])
def test_a_header_that_http_forbids(server: Server, value: str):
    with untouched(server):
        answer = exchange(server.url, message(b"GET " + ME.encode(), {"Authorization": value}))
    assert answer.status_code == 400


def test_a_refresh_token_is_no_access_token(server: Server, client: httpx.Client, person: Person):
    credentials = {"email": person.email, "password": "correct horse battery staple"}
    pair = client.post("/api/v1/auth/login", json=credentials).json()
    with untouched(server):
        answer = client.get(ME, headers=bearer(pair["refresh_token"]))
    assert_error(answer, 401, "NOT_AUTHENTICATED")


def test_a_valid_token_wins_over_a_key(client: httpx.Client, person: Person, service: dict[str, str]):
    answer = client.get(ME, headers={**person.headers, **service})
    assert (answer.status_code, answer.json()["id"]) == (200, person.id)


def test_a_bad_token_beside_a_good_key(server: Server, client: httpx.Client, person: Person):
    key = person.create_key(scopes=["account:read"])
    with untouched(server):
        answer = client.get(ME, headers={**bearer("a.b.c"), "X-API-Key": key["api_key"]})
    assert_error(answer, 401, "NOT_AUTHENTICATED")


def test_two_authorizations_are_none(server: Server, person: Person):
    line = f"{person.headers['Authorization']}\r\nauthorization: {person.headers['Authorization']}"
    with untouched(server):
        answer = exchange(server.url, message(b"GET " + ME.encode(), {"Authorization": line}))
    assert_error(answer, 401, "NOT_AUTHENTICATED")


def test_the_caller_s_own_key_with_a_wrong_checksum(server: Server, person: Person):
    secret = _mistyped(person.create_key()["api_key"])
    with untouched(server):
        answer = person.client.get(ME, headers={"X-API-Key": secret})
    assert_error(answer, 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize(
    "key",
    ["", "x", "sk_live_", "é" * 40, "sk_live_" + "a" * 38, generate_key("live")],
    ids=["empty", "short", "only its start", "not ascii", "wrong checksum", "unknown"],
)
def test_asking_about_no_key_is_answered(server: Server, client: httpx.Client, service: dict[str, str], key: str):
    with untouched(server):
        answer = client.post(VERIFY, json={"key": key}, headers=service)
    assert (answer.status_code, answer.json()["valid"], answer.json()["code"]) == (200, False, "NOT_FOUND")
    assert answer.json()["key_id"] is None


def test_asking_about_a_mistyped_key_is_answered(
    server: Server, client: httpx.Client, person: Person, service: dict[str, str]
):
    secret = _mistyped(person.create_key()["api_key"])
    with untouched(server):
        answer = client.post(VERIFY, json={"key": secret}, headers=service)
    assert (answer.status_code, answer.json()["code"]) == (200, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [("GET", "", None), ("PATCH", "", {"name": "mine"}), ("DELETE", "", None), ("POST", "/revoke", {}),
     ("POST", "/rotate", {"grace_seconds": 60})],
)  # fmt: skip
def test_someone_else_s_key(
    server: Server, client: httpx.Client, person: Person, method: str, action: str, body: dict[str, Any] | None
):
    key, stranger = person.create_key(), sign_up(client)
    with untouched(server):
        answer = client.request(method, f"/api/v1/api-keys/{key['id']}{action}", json=body, headers=stranger.headers)
    assert_error(answer, 403, "FORBIDDEN")


def test_someone_else_s_account_and_list_of_keys(server: Server, client: httpx.Client, person: Person):
    stranger = sign_up(client)
    with untouched(server):
        for path in (f"/api/v1/users/{person.id}", f"/api/v1/users/{person.id}/api-keys"):
            assert_error(client.get(path, headers=stranger.headers), 403, "FORBIDDEN")


def test_asking_without_the_scope(server: Server, client: httpx.Client, person: Person):
    key = person.create_key(scopes=["reports:read"])
    with untouched(server):
        answer = client.post(VERIFY, json={"key": key["api_key"]}, headers={"X-API-Key": key["api_key"]})
    assert_error(answer, 403, "INSUFFICIENT_SCOPES")


def _mistyped(secret: str) -> str:
    return secret[:-1] + ("a" if secret[-1] != "a" else "b")
