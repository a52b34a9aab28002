"""Ties a sign-in to the browser that began it.

The browser keeps a secret in a cookie. The nonce and the PKCE verifier of a sign-in are made of that secret and its
state, so neither is stored anywhere, and whoever has one of the two has neither.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256

SECRET_BYTES = 32
COOKIE_PREFIX = "keyhouse-oauth-"


def new_secret() -> str:
    """Return a secret for a browser to keep."""
    return secrets.token_urlsafe(SECRET_BYTES)


def cookie_name(state: str, *, is_https: bool) -> str:
    """Return the name of the cookie that belongs to this state alone, so that sign-ins in two tabs both go on.

    With `__Host-` (RFC 6265bis) no other host of the domain can set it, and so plant a sign-in of its own.
    """
    return f"{'__Host-' if is_https else ''}{COOKIE_PREFIX}{sha256(state.encode()).hexdigest()[:16]}"


def digest_of(secret: str) -> str:
    """Return what is stored of the secret."""
    return sha256(secret.encode(errors="replace")).hexdigest()


def is_secret_of(secret: str, digest: str) -> bool:
    """Return whether the secret is the one with this digest."""
    return hmac.compare_digest(digest_of(secret), digest)


def nonce_of(secret: str, state: str) -> str:
    """Return the nonce of the sign-in (OpenID Connect Core 3.1.2.1)."""
    return _derived(secret, "nonce", state)


def verifier_of(secret: str, state: str) -> str:
    """Return the PKCE verifier of the sign-in (RFC 7636): 43 characters."""
    return _derived(secret, "verifier", state)


def _derived(secret: str, use: str, state: str) -> str:
    digest = hmac.digest(secret.encode(), f"{use}\x00{state}".encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
