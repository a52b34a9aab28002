"""Which credentials authenticate, and which are rejected."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from apps.api_keys.models import ApiKeyCounter
from apps.api_keys.services.key_format import generate_key
from apps.authentication.dependencies import key_ring
from apps.users.models import User
from tests.support.accounts import Account, customer
from tests.support.assertions import assert_challenge, assert_error
from tests.support.factories import make_key
from tests.support.orm import make, rows

ME = "/api/v1/users/me"
READS = ["account:read"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def token_of(account: Account) -> str:
    return account.headers["Authorization"].removeprefix("Bearer ")


async def forged(account: Account, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return the account's token with other claims (times in seconds from now), signed by `key` or by our own."""
    kid, private = await key_ring().signing_key()
    genuine = jwt.decode(token_of(account), options={"verify_signature": False})
    now = datetime.now(UTC)
    moments: dict[str, Any] = {name: now + timedelta(seconds=claims[name]) for name in ("iat", "exp") if name in claims}
    return jwt.encode(
        {**genuine, **claims, **moments},
        key or private,
        algorithm="EdDSA",
        headers={"typ": "at+jwt", "kid": kid, **(header or {})},
    )


async def test_genuine_token_authenticates(api: httpx.AsyncClient):
    me = await customer()
    for headers in (me.headers, bearer(await forged(me)), {"Authorization": f"bearer {token_of(me)}"}):
        response = await api.get(ME, headers=headers)
        assert (response.status_code, response.json()["id"]) == (200, me.id)


async def test_token_takes_precedence_over_a_key(api: httpx.AsyncClient):
    me, key = await customer(), await make(make_key, scopes=READS)
    answer = await api.get(ME, headers={**me.headers, **key.headers})
    assert (answer.status_code, answer.json()["id"]) == (200, me.id)
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert bytes(counter.entries) == b""


async def test_the_same_key_twice_is_one_credential(api: httpx.AsyncClient):
    key = await make(make_key, scopes=READS)
    answer = await api.get(ME, headers={**bearer(key.secret), **key.headers})
    assert (answer.status_code, answer.json()["id"]) == (200, key.row.user_id)


async def test_invalid_credential_beside_a_valid_one_is_rejected(api: httpx.AsyncClient):
    me, key, other = await customer(), await make(make_key, scopes=READS), await make(make_key, scopes=READS)
    revoked = await make(make_key, scopes=READS, revoked_at=timezone.now())
    for headers in (
        {**me.headers, "X-API-Key": "nonsense"},
        {**me.headers, "X-API-Key": generate_key("live")},
        {**me.headers, **revoked.headers},
        {**bearer("nonsense"), **key.headers},
        {**bearer(generate_key("live")), **key.headers},
        {**bearer(revoked.secret), **key.headers},
        {**bearer(other.secret), **key.headers},
        {**me.headers, "X-API-Key": token_of(me)},
        {"Authorization": "Basic YTpi", **key.headers},
        {"Authorization": "Bearer", **key.headers},
        {"Authorization": "\t,", **key.headers},
    ):
        refused = await api.get(ME, headers=headers)
        assert_error(refused, 401, "NOT_AUTHENTICATED")
        assert_challenge(refused, error="invalid_token")


async def test_repeated_header_is_rejected(api: httpx.AsyncClient):
    me, key = await customer(), await make(make_key, scopes=READS)
    token = me.headers["Authorization"].encode()
    for lines in (
        [(b"authorization", token)] * 2,
        [(b"authorization", token), (b"authorization", b"Bearer nonsense")],
        [(b"authorization", b"Basic YTpi"), (b"authorization", token)],
        [(b"authorization", b""), (b"authorization", token)],
        [(b"x-api-key", key.secret.encode())] * 2,
    ):
        assert_error(await api.get(ME, headers=httpx.Headers(lines)), 401, "NOT_AUTHENTICATED")


async def test_scheme_is_read_in_any_case_and_with_any_spaces(api: httpx.AsyncClient):
    me, key = await customer(), await make(make_key, scopes=READS)
    for token, owner in ((token_of(me), me.id), (key.secret, key.row.user_id)):
        for header in (f"bearer {token}", f"BEARER   {token}", f"Bearer {token} "):
            answer = await api.get(ME, headers={"Authorization": header})
            assert (answer.status_code, answer.json()["id"]) == (200, owner)
        for header in (f"Bearer\t{token}", f"Bearer{token}", f'Bearer "{token}"', f"Bearer {token},"):
            assert_error(await api.get(ME, headers={"Authorization": header}), 401, "NOT_AUTHENTICATED")


async def test_challenge_says_whether_a_credential_was_sent(api: httpx.AsyncClient):
    for none in ({}, {"Authorization": ""}, {"Authorization": "Basic YTpi"}, {"X-API-Key": ""}):
        assert_challenge(await api.get(ME, headers=none))
    for bad in (
        bearer("nonsense"),
        bearer(generate_key("live")),
        {"X-API-Key": "nonsense"},
        {"Authorization": "Bearer"},
    ):
        assert_challenge(await api.get(ME, headers=bad), error="invalid_token")
    wrong = {"email": "nobody@example.com", "password": "a wrong password"}
    assert_challenge(await api.post("/api/v1/auth/login", json=wrong))


async def test_challenge_names_the_missing_scope(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["images:read"])
    for method, path, scope in (
        ("GET", ME, "account:read"),
        ("POST", "/api/v1/keys/verify", "keys:verify"),
        ("POST", "/api/v1/api-keys", "account:write"),
    ):
        body = {"key": key.secret} if scope == "keys:verify" else {"name": "new"}
        refused = await api.request(method, path, headers=key.headers, json=None if method == "GET" else body)
        assert_error(refused, 403, "INSUFFICIENT_SCOPES")
        assert_challenge(refused, error="insufficient_scope", scope=scope)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": -3600},
        {"iat": 3600, "exp": 7200},
        {"iss": "elsewhere"},
        {"aud": "elsewhere"},
        {"sub": "0"},
        {"sub": "1; DROP TABLE users"},
        {"sid": 2**62},
        {"sid": 2**80},
        {"sid": -1},
        {"nbf": 2**33},
        {"nbf": "soon"},
    ],
    ids=repr,
)
async def test_token_with_wrong_claims_is_rejected(api: httpx.AsyncClient, claims: dict[str, Any]):
    me = await customer()
    assert_error(await api.get(ME, headers=bearer(await forged(me, **claims))), 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("typ", ["JWT", "id+jwt", "", None])
async def test_token_of_another_type_is_rejected(api: httpx.AsyncClient, typ: str | None):
    me = await customer()
    token = await forged(me, header={"typ": typ})
    assert_error(await api.get(ME, headers=bearer(token)), 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "Authorization", "api_key", "X-API-Key"])
async def test_credential_in_the_url_is_ignored(api: httpx.AsyncClient, name: str):
    me = await customer()
    key = await make(make_key, me.user)
    for value in (token_of(me), f"Bearer {token_of(me)}", key.secret):
        assert_error(await api.get(ME, params={name: value}), 401, "NOT_AUTHENTICATED")
        cookies = {"Cookie": f"{name}={value.removeprefix('Bearer ')}"}
        assert_error(await api.get(ME, headers=cookies), 401, "NOT_AUTHENTICATED")


async def test_huge_token_is_rejected(api: httpx.AsyncClient):
    me = await customer()
    for token in (await forged(me, filler="x" * 10**6), "a" * 10**6, "." * 10**6, f"{token_of(me)}{'A' * 10**6}"):
        assert_error(await api.get(ME, headers=bearer(token)), 401, "NOT_AUTHENTICATED")


async def test_token_for_the_session_of_another_user_is_rejected(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    theirs = jwt.decode(token_of(other), options={"verify_signature": False})["sid"]
    for claims in ({"sid": theirs}, {"sub": str(other.id)}):
        assert_error(await api.get(ME, headers=bearer(await forged(me, **claims))), 401, "NOT_AUTHENTICATED")


async def test_token_of_a_foreign_key_is_rejected(api: httpx.AsyncClient):
    me, foreign = await customer(), Ed25519PrivateKey.generate()
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(foreign.public_key(), as_dict=True)
    for header in ({}, {"jwk": jwk}, {"jku": "https://evil.example.com/jwks.json"}, {"kid": "mine", "jwk": jwk}):
        token = await forged(me, foreign, header)
        assert_error(await api.get(ME, headers=bearer(token)), 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("break_it", ["unsigned", "truncated", "flipped", "repeated", "empty"])
async def test_tampered_token_is_rejected(api: httpx.AsyncClient, break_it: str):
    me = await customer()
    header, body, signature = token_of(me).split(".")
    unsigned = jwt.encode(jwt.decode(token_of(me), options={"verify_signature": False}), "", algorithm="none")
    broken = {
        "unsigned": unsigned,
        "truncated": f"{header}.{body}.{signature[:-8]}",
        "flipped": f"{header}.{body}.{signature[::-1]}",
        "repeated": f"{token_of(me)}.{signature}",
        "empty": "",
    }
    assert_error(await api.get(ME, headers=bearer(broken[break_it])), 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize(
    "value", ["Basic YTpi", "Bearer", "Token x", "bearer x y", "\xff", "Bearer \xff\xfe", "x" * 9000]
)
async def test_malformed_authorization_is_rejected(api: httpx.AsyncClient, value: str):
    headers = httpx.Headers([(b"authorization", value.encode("latin1"))])
    assert_error(await api.get(ME, headers=headers), 401, "NOT_AUTHENTICATED")


async def test_unusable_keys_are_rejected(api: httpx.AsyncClient):
    valid = await make(make_key, scopes=READS)
    gone = [
        (await make(make_key, **fields)).secret
        for fields in (
            {"is_active": False},
            {"revoked_at": timezone.now()},
            {"expires_at": timezone.now()},
            {"deleted_at": timezone.now()},
        )
    ]
    mistyped = valid.secret[:-1] + ("0" if valid.secret[-1] != "0" else "1")
    for secret in (*gone, mistyped, generate_key("live"), valid.secret + " x", valid.secret.lower(), "sk_live_"):
        for headers in ({"X-API-Key": secret}, bearer(secret)):
            assert_error(await api.get(ME, headers=headers), 401, "NOT_AUTHENTICATED")
    assert (await api.get(ME, headers=valid.headers)).status_code == 200


async def test_key_is_accepted_only_from_its_addresses(api: httpx.AsyncClient):
    networks = ("127.0.0.0/8", "192.0.2.0/24")
    here, elsewhere = [await make(make_key, scopes=READS, ip_allowlist=[network]) for network in networks]
    assert (await api.get(ME, headers=here.headers)).status_code == 200
    assert_error(await api.get(ME, headers=elsewhere.headers), 403, "FORBIDDEN")


async def test_key_of_a_locked_account_is_rejected_before_its_address(api: httpx.AsyncClient):
    key = await make(make_key, ip_allowlist=["127.0.0.0/8"])
    await make(User.objects.filter(pk=key.row.user_id).update, locked_until="2999-01-01T00:00:00Z")
    assert_error(await api.get(ME, headers=key.headers), 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("fields", [{"is_active": False}, {"locked_until": "2999-01-01T00:00:00Z"}])
async def test_unusable_account_is_rejected(api: httpx.AsyncClient, fields: dict[str, Any]):
    me = await customer()
    assert (await api.get(ME, headers=me.headers)).status_code == 200
    await make(User.objects.filter(pk=me.id).update, **fields)
    assert_error(await api.get(ME, headers=me.headers), 401, "NOT_AUTHENTICATED")
