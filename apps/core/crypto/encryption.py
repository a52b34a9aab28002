"""Encrypts what must be kept and read again, under keys derived from SECRET_KEY."""

from base64 import urlsafe_b64encode
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def encrypt(secret: bytes, purpose: str) -> bytes:
    """Return `secret` encrypted and authenticated (Fernet), under the key that serves this purpose alone."""
    return _fernet(settings.SECRET_KEY, purpose).encrypt(secret)


def decrypt(encrypted: bytes, purpose: str) -> bytes | None:
    """Return the secret; None when it was encrypted under another SECRET_KEY, for another purpose, or tampered with."""
    try:
        return _fernet(settings.SECRET_KEY, purpose).decrypt(encrypted)
    except InvalidToken:
        return None


@cache
def _fernet(secret_key: str, purpose: str) -> Fernet:
    # RFC 5869: `info` keeps the key of each purpose apart from whatever else is derived from SECRET_KEY.
    derived = HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret_key.encode())
    return Fernet(urlsafe_b64encode(derived))
