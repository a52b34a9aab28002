"""Binds a sign-in to the browser and to the application that started it.

The browser keeps a secret in a cookie. The nonce and the PKCE verifier of a sign-in are derived from that secret and
its state, so neither is stored, and neither secret nor state is sufficient alone. The application authenticates
itself by PKCE too (RFC 7636), with Keyhouse as the server.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256

from authlib.oauth2.rfc7636 import create_s256_code_challenge

SECRET_BYTES = 32
COOKIE_PREFIX = "keyhouse-oauth-"


def new_secret() -> str:
    """Return a new secret for a browser."""
    return secrets.token_urlsafe(SECRET_BYTES)


def cookie_name(state: str, *, is_https: bool) -> str:
    """Return the name of this state's cookie. Each state has its own, so that sign-ins in two tabs do not interfere.

    With `__Host-` (RFC 6265bis), no other host of the domain can set it to inject a sign-in of its own.
    """
    return f"{'__Host-' if is_https else ''}{COOKIE_PREFIX}{sha256(state.encode()).hexdigest()[:16]}"


def digest_of(secret: str) -> str:
    """Return the digest of the secret, which is stored."""
    return sha256(secret.encode(errors="replace")).hexdigest()


def is_secret_of(secret: str, digest: str) -> bool:
    """Return whether the secret has this digest."""
    return hmac.compare_digest(digest_of(secret), digest)


def nonce_of(secret: str, state: str) -> str:
    """Return the nonce of the sign-in (OpenID Connect Core 3.1.2.1)."""
    return _derived(secret, "nonce", state)


def verifier_of(secret: str, state: str) -> str:
    """Return the PKCE verifier of the sign-in (RFC 7636): 43 characters."""
    return _derived(secret, "verifier", state)


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of an ASCII verifier."""
    challenge: str = create_s256_code_challenge(verifier)
    return challenge


def is_verifier_of(verifier: str, challenge: str) -> bool:
    """Return whether the challenge belongs to this verifier."""
    return verifier.isascii() and hmac.compare_digest(challenge_of(verifier).encode(), challenge.encode())


def _derived(secret: str, purpose: str, state: str) -> str:
    digest = hmac.digest(secret.encode(), f"{purpose}\x00{state}".encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
