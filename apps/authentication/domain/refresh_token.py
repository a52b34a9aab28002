"""Refresh tokens: `rt_` and, in base64url, a session's family, a generation, and a MAC of both.

The MAC distinguishes a spent token from a forged one although no token is stored: only its holder knows the family, and
only Keyhouse can sign a generation of it.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings
from django.utils.crypto import salted_hmac

PREFIX = "rt_"
FAMILY_BYTES = 24
GENERATION_BYTES = 4
MAC_BYTES = 32
TOKEN_BYTES = FAMILY_BYTES + GENERATION_BYTES + MAC_BYTES
SALT = "keyhouse.refresh-token"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A session's family and the token's generation, counted from 0."""

    family: bytes
    generation: int

    @property
    def family_digest(self) -> bytes:
        """The digest of the family, which is stored."""
        return sha256(self.family).digest()

    def encode(self) -> str:
        """Return the token as text."""
        body = self.family + self.generation.to_bytes(GENERATION_BYTES)
        return PREFIX + urlsafe_b64encode(body + _mac(body, settings.SECRET_KEY)).decode()


def new_family() -> RefreshToken:
    """Return the first token of a new session."""
    return RefreshToken(secrets.token_bytes(FAMILY_BYTES), 0)


def read_refresh_token(text: str) -> RefreshToken | None:
    """Return the content of a token that Keyhouse has issued, or None."""
    try:
        raw = urlsafe_b64decode(text.removeprefix(PREFIX).encode("ascii"))
    except (Base64Error, ValueError):
        return None
    body, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    if len(raw) != TOKEN_BYTES or not _is_ours(body, mac):
        return None
    return RefreshToken(body[:FAMILY_BYTES], int.from_bytes(body[FAMILY_BYTES:]))


def _is_ours(body: bytes, mac: bytes) -> bool:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(mac, _mac(body, key)) for key in keys)


def _mac(body: bytes, secret_key: str) -> bytes:
    return salted_hmac(SALT, body, secret=secret_key, algorithm="sha256").digest()
