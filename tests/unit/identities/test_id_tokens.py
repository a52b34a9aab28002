"""ID Tokens: only the provider's own, for us, of this sign-in, are believed."""

import base64
import hmac
import json
import time
from contextlib import nullcontext
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from apps.identities.domain.provider import InvalidProviderResponse, ProviderKind, StaleAuthentication
from apps.identities.services.id_tokens import (
    ALGORITHMS,
    PublicKey,
    UnknownKey,
    authentication_time,
    read_id_token,
    usable_keys,
)
from tests.unit.identities.forged import EC_KEY, ISSUER, KEY, NONCE, OTHER_KEY, claims, provider, token

pytestmark = pytest.mark.unit

KEYS: list[PublicKey] = [KEY, EC_KEY]
ANNOUNCED = ("RS256", "ES256", "HS256", "none")
NOW = 1_800_000_000
TENANT = "11111111-2222-3333-4444-555555555555"


def read(text: str, keys: Any = KEYS, nonce: str = NONCE) -> dict[str, Any]:
    return read_id_token(text, provider(), keys, ANNOUNCED, nonce)


def signed_by_hand(secret: bytes) -> str:
    signed = unsigned({"alg": "HS256", "kid": "one"}).removesuffix(".")
    signature = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def unsigned(header: dict[str, Any], **changes: Any) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims(**changes)))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"algorithm": "ES256", "key": EC_KEY, "kid": "two"},
        {"aud": ["keyhouse"]},
        {"aud": ["keyhouse", "other"], "azp": "keyhouse"},
        {"azp": "keyhouse"},
        {"iat_in": 30},
        {"exp_in": -30},
    ],
)
def test_valid_token_is_read(changes):
    assert read(token(**changes))["sub"] == "alice"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example.com"},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ["another"], "azp": "keyhouse"},
        {"aud": ["keyhouse", "another"]},
        {"aud": ["keyhouse", "another"], "azp": "another"},
        {"azp": "another"},
        {"aud": []},
        {"aud": None},
        {"aud": None, "azp": "keyhouse"},
        {"nonce": "m" * 43},
        {"nonce": ""},
        {"nonce": None},
        {"nonce": ["n" * 43]},
        {"exp_in": -61},
        {"exp": None},
        {"exp": "never"},
        {"iat_in": 120},
        {"iat": None},
        {"nbf_in": 120},
        {"sub": None},
        {"sub": 7},
    ],
    ids=str,
)
def test_token_with_other_claims_is_refused(changes):
    with pytest.raises(InvalidProviderResponse):
        read(token(**changes))


def test_empty_nonce_is_refused():
    with pytest.raises(InvalidProviderResponse):
        read(token(nonce=""), nonce="")


def test_signature_of_another_key_is_refused():
    with pytest.raises(InvalidProviderResponse):
        read(token(key=OTHER_KEY))
    head, _, signature = token().split(".")
    with pytest.raises(InvalidProviderResponse):
        read(f"{head}.{token(sub='bob').split('.')[1]}.{signature}")


@pytest.mark.parametrize("name", ["none", "None", "nOnE", "HS256", ""])
def test_unsigned_token_is_refused(name):
    with pytest.raises(InvalidProviderResponse):
        read(unsigned({"alg": name, "kid": "one"}))


def test_signature_by_a_public_value_is_refused():
    """The provider announces HS256 too: then its public key, or our own secret, could serve as the secret."""
    for secret in (KEY.as_pem(private=False), b"secret" * 8):
        with pytest.raises(InvalidProviderResponse):
            read(signed_by_hand(secret))


def test_unannounced_algorithm_is_refused():
    with pytest.raises(InvalidProviderResponse):
        read_id_token(token(), provider(), KEYS, ("ES256",), NONCE)
    with pytest.raises(InvalidProviderResponse):
        read_id_token(token(), provider(), KEYS, (), NONCE)


def test_only_asymmetric_algorithms_are_accepted():
    assert not [name for name in ALGORITHMS if name.startswith("HS") or name.lower() == "none"]


def test_unknown_key_is_a_distinct_error():
    with pytest.raises(UnknownKey):
        read(token(kid="three"))


def test_token_without_kid_needs_a_single_key_of_its_type():
    assert read(token(kid=None))["sub"] == "alice"
    with pytest.raises(InvalidProviderResponse):
        read(token(kid=None), keys=[KEY, OTHER_KEY])


OWN_KEYS: dict[str, PublicKey] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), KEY),
    "ES256": ECKey.generate_key("P-256", {"kid": "one"}),
    "ES384": ECKey.generate_key("P-384", {"kid": "one"}),
    "ES512": ECKey.generate_key("P-521", {"kid": "one"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "one"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "one"}),
    "Ed448": OKPKey.generate_key("Ed448", {"kid": "one"}),
}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_is_verified_by_its_type_of_key_alone(algorithm: str):
    signed = token(algorithm, OWN_KEYS[algorithm])
    others = [key for key in OWN_KEYS.values() if key.key_type != OWN_KEYS[algorithm].key_type]
    for keys in ([OWN_KEYS[algorithm]], [*others, OWN_KEYS[algorithm]]):
        assert read_id_token(signed, provider(), keys, ALGORITHMS, NONCE)["sub"] == "alice"
    with pytest.raises(UnknownKey):
        read_id_token(signed, provider(), others, ALGORITHMS, NONCE)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")
@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("EdDSA", OKPKey.generate_key("X25519", {"kid": "one"})),
        ("Ed25519", OWN_KEYS["Ed448"]),
        ("ES256", OWN_KEYS["ES384"]),
        ("RS256", RSAKey.import_key({**KEY.as_dict(private=False), "alg": "PS256"})),
        ("RS256", RSAKey.import_key({**KEY.as_dict(private=False), "use": "enc"})),
    ],
    ids=["for agreement", "other curve", "other size", "for PS256", "for encryption"],
)
def test_key_of_another_use_or_curve_is_refused(algorithm: str, key: PublicKey):
    with pytest.raises(InvalidProviderResponse):
        read_id_token(token(algorithm, OWN_KEYS[algorithm]), provider(), [key], ALGORITHMS, NONCE)


@pytest.mark.parametrize("sent", [0, -1, True, "1600000000", None, [], 1e30, 1700000000000, float("nan"), float("inf")])
def test_what_is_no_past_time_proves_nothing(sent: Any):
    assert authentication_time({"auth_time": sent}, None) is None
    with pytest.raises(StaleAuthentication):
        authentication_time({"auth_time": sent}, 600)


@pytest.mark.parametrize(
    ("seconds_ago", "max_age", "is_fresh"),
    [(0, 60, True), (100, 60, True), (130, 60, False), (650, 600, True), (700, 600, False), (10**9, 600, False)],
)
def test_authentication_must_be_as_recent_as_requested(seconds_ago: int, max_age: int, is_fresh: bool):
    at = int(time.time()) - seconds_ago
    assert authentication_time({"auth_time": at + 0.5}, None) == at
    with nullcontext() if is_fresh else pytest.raises(StaleAuthentication):
        assert authentication_time({"auth_time": at}, max_age) == at


@pytest.mark.parametrize(
    ("sent", "known"), [(1, 1), (NOW - 660, NOW - 660), (NOW + 60, NOW), (NOW + 61, None), (NOW - 661, NOW - 661)]
)
def test_authentication_is_judged_to_the_second(monkeypatch: pytest.MonkeyPatch, sent: int, known: int | None):
    """With the minute that clocks may differ."""
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    assert authentication_time({"auth_time": sent}, None) == known
    is_fresh = known is not None and sent >= NOW - 600 - 60
    with nullcontext() if is_fresh else pytest.raises(StaleAuthentication):
        assert authentication_time({"auth_time": sent}, 600) == known


def test_authentication_is_never_in_the_future():
    """Otherwise the session would count as recently authenticated for longer."""
    now = int(time.time())
    assert authentication_time({"auth_time": now + 30}, 600) in {now, now + 1}


def test_key_in_the_header_is_not_trusted():
    own = {"jwk": OTHER_KEY.as_dict(private=False), "jku": "https://evil.example.com/jwks"}
    forged = token(key=OTHER_KEY).split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": "one", **own}).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidProviderResponse):
        read(".".join([header, *forged[1:]]))


@pytest.mark.parametrize(
    "text", ["", "a", "a.b.c", "....", "é.é.é", "x" * 40_000], ids=["none", "a", "abc", "dots", "not-ascii", "long"]
)
def test_malformed_token_is_refused(text):
    with pytest.raises(InvalidProviderResponse):
        read(text)


def test_deeply_nested_token_is_refused():
    nest = "[" * 12_000 + "]" * 12_000  # deeper than Python's parser goes
    _, payload, signature = token().split(".")
    header = base64.urlsafe_b64encode(nest.encode()).decode()
    for text in (f"{header}.{payload}.{signature}", jws.serialize_compact({"alg": "RS256", "kid": "one"}, nest, KEY)):
        with pytest.raises(InvalidProviderResponse):
            read(text)


@pytest.mark.filterwarnings("ignore:Key size should be:joserfc.errors.SecurityWarning")
def test_malformed_keys_are_skipped():
    valid = KEY.as_dict(private=False)
    broken = [{"kty": "EC", "crv": "P-0"}, {"kty": "RSA", "n": "!", "e": "!"}, {"kty": "future"}, "key", {}]
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}
    short = RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=False)
    for_encryption = {**OTHER_KEY.as_dict(private=False), "use": "enc"}
    (found,) = usable_keys({"keys": [*broken, secret, short, for_encryption, valid]})
    assert found.kid == "one"


@pytest.mark.parametrize(
    "published", [None, [], {}, {"keys": None}, {"keys": []}, {"keys": [{"kty": "oct", "k": "aa"}]}]
)
def test_metadata_without_usable_keys_is_refused(published):
    with pytest.raises(InvalidProviderResponse):
        usable_keys(published)


def test_token_of_a_microsoft_tenant_names_its_issuer():
    shared = provider(ProviderKind.MICROSOFT, "https://login.microsoftonline.com/common/v2.0")
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert read_id_token(token(iss=issuer, tid=TENANT), shared, KEYS, ANNOUNCED, NONCE)["tid"] == TENANT
    other = TENANT.replace("1", "9")
    wrong: tuple[dict[str, Any], ...] = (
        {"iss": issuer},
        {"iss": issuer, "tid": other},
        {"iss": issuer, "tid": "../evil"},
        {"tid": TENANT},
    )
    for changes in wrong:
        with pytest.raises(InvalidProviderResponse):
            read_id_token(token(**changes), shared, KEYS, ANNOUNCED, NONCE)
