"""Encrypts what must be kept and read again, under a key derived from SECRET_KEY."""

from base64 import urlsafe_b64encode
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def encrypt(secret: bytes) -> bytes:
    """Return `secret` encrypted and authenticated (Fernet)."""
    return _fernet(settings.SECRET_KEY).encrypt(secret)


def decrypt(encrypted: bytes) -> bytes | None:
    """Return the secret, or None when it was encrypted under another SECRET_KEY or tampered with."""
    try:
        return _fernet(settings.SECRET_KEY).decrypt(encrypted)
    except InvalidToken:
        return None


@cache
def _fernet(secret_key: str) -> Fernet:
    # RFC 5869: `info` keeps this key apart from whatever else is derived from SECRET_KEY.
    derived = HKDF(SHA256(), length=32, salt=None, info=b"keyhouse signing keys").derive(secret_key.encode())
    return Fernet(urlsafe_b64encode(derived))
