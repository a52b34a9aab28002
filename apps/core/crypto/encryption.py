"""Encrypts stored secrets that must be read again, with keys derived from SECRET_KEY."""

from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

KEYS_CACHED = 64  # few: a purpose may be that of one row


def encrypt(secret: bytes, purpose: str) -> bytes:
    """Encrypt and authenticate `secret` (Fernet) with the key of this purpose."""
    return _fernet(settings.SECRET_KEY, purpose).encrypt(secret)


def decrypt(encrypted: bytes, purpose: str) -> bytes | None:
    """Return the secret, or None when it belongs to another SECRET_KEY or purpose, or was tampered with."""
    try:
        return _fernet(settings.SECRET_KEY, purpose).decrypt(encrypted)
    except InvalidToken:
        return None


@lru_cache(maxsize=KEYS_CACHED)
def _fernet(secret_key: str, purpose: str) -> Fernet:
    # RFC 5869: `info` separates the key of each purpose from all other keys derived from SECRET_KEY.
    derived = HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret_key.encode())
    return Fernet(urlsafe_b64encode(derived))
