"""Refresh tokens: `rt_` and, in base64url, a session's family, a generation, and our MAC over both.

The MAC tells a spent token from a forged one without any token being stored: only its holder knows the family, and
only we can make a generation of it.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256

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
        """What is stored of the family."""
        return sha256(self.family).digest()

    def encode(self) -> str:
        """Return the token as its holder keeps it."""
        body = self.family + self.generation.to_bytes(GENERATION_BYTES)
        return PREFIX + urlsafe_b64encode(body + _mac(body)).decode()


def new_family() -> RefreshToken:
    """Return the first token of a new session."""
    return RefreshToken(secrets.token_bytes(FAMILY_BYTES), 0)


def read_refresh_token(text: str) -> RefreshToken | None:
    """Return the content of a token that we have issued, else None."""
    try:
        raw = urlsafe_b64decode(text.removeprefix(PREFIX).encode("ascii"))
    except (Base64Error, ValueError):
        return None
    body, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    if len(raw) != TOKEN_BYTES or not hmac.compare_digest(mac, _mac(body)):
        return None
    return RefreshToken(body[:FAMILY_BYTES], int.from_bytes(body[FAMILY_BYTES:]))


def _mac(body: bytes) -> bytes:
    return salted_hmac(SALT, body, algorithm="sha256").digest()
