"""Credentials that are none, are forged, are past, or are somebody else's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.api_keys.services.key_format import generate_key
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
    return bearer(jwt.encode(claims, "", algorithm="none", headers={"kid": genuine_key(server)[0]}))


def _other_key(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    kid, _ = genuine_key(server)
    return bearer(jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": kid}))


def _unknown_key_id(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    return bearer(jwt.encode(claims, genuine_key(server)[1], algorithm="EdDSA", headers={"kid": "\x00' OR 1=1"}))


def _public_key_as_secret(server: Server, claims: dict[str, Any]) -> dict[str, str]:
    kid, private_key = genuine_key(server)
    raw = private_key.public_key().public_bytes_raw()
    return bearer(jwt.encode(claims, raw, algorithm="HS256", headers={"kid": kid}))


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
    "tampered": _tampered,
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


def test_a_key_counts_beside_a_token_that_does_not(client: httpx.Client, person: Person):
    key = person.create_key()
    answer = client.get(ME, headers={**bearer("a.b.c"), "X-API-Key": key["api_key"]})
    assert (answer.status_code, answer.json()["id"]) == (200, person.id)


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
