"""What ties a sign-in to its browser."""

from base64 import urlsafe_b64decode

import pytest

from apps.identities.services import browser_binding
from apps.identities.services.browser_binding import challenge_of, is_verifier_of

pytestmark = pytest.mark.unit


def test_nonce_and_verifier_depend_on_secret_and_state():
    made = {
        make(secret, state)
        for make in (browser_binding.nonce_of, browser_binding.verifier_of)
        for secret in ("one", "two")
        for state in ("a", "b")
    }
    assert len(made) == 8
    assert {len(text) for text in made} == {43}


def test_secret_is_recognised_by_its_digest():
    secret = browser_binding.new_secret()
    digest = browser_binding.digest_of(secret)
    assert secret not in digest
    assert len(urlsafe_b64decode(f"{secret}==")) == 32
    assert browser_binding.is_secret_of(secret, digest)
    for other in ("", digest, secret + "x", "\udc00"):
        assert not browser_binding.is_secret_of(other, digest)


def test_each_state_has_its_own_cookie():
    names = {browser_binding.cookie_name(state, is_https=True) for state in ("a", "b")}
    assert len(names) == 2
    assert all(name.startswith("__Host-keyhouse-oauth-") for name in names)
    # Browsers refuse the prefix over plain HTTP, where development runs.
    assert browser_binding.cookie_name("a", is_https=False).startswith("keyhouse-oauth-")


def test_challenge_matches_rfc_7636():
    """Its appendix B."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert challenge_of(verifier) == challenge
    assert is_verifier_of(verifier, challenge)
    assert not is_verifier_of(verifier + "x", challenge)
    assert not is_verifier_of("é" * 43, challenge)
