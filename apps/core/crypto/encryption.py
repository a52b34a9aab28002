"""Encrypts stored secrets that must be read again, with keys derived from SECRET_KEY."""

from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

KEYS_CACHED = 64  # few: a purpose may be that of one row


def encrypt(secret: bytes, purpose: str) -> bytes:
    """Encrypt and authenticate `secret` (Fernet) with the key of this purpose."""
    return _keys(purpose).encrypt(secret)


def decrypt(encrypted: bytes, purpose: str) -> bytes | None:
    """Return the secret, or None when it was tampered with or belongs to another purpose.

    The same when it was encrypted under a key that is neither SECRET_KEY nor in SECRET_KEY_FALLBACKS.
    """
    try:
        return _keys(purpose).decrypt(encrypted)
    except InvalidToken:
        return None


def reencrypted(encrypted: bytes, purpose: str) -> bytes | None:
    """Return the secret encrypted under SECRET_KEY: unchanged if it is already, None if it cannot be decrypted."""
    try:
        _fernet(settings.SECRET_KEY, purpose).decrypt(encrypted)
    except InvalidToken:
        secret = decrypt(encrypted, purpose)
        return None if secret is None else encrypt(secret, purpose)
    return encrypted


def _keys(purpose: str) -> MultiFernet:
    return MultiFernet([_fernet(key, purpose) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(maxsize=KEYS_CACHED)
def _fernet(secret_key: str, purpose: str) -> Fernet:
    # RFC 5869: `info` separates the key of each purpose from all other keys derived from SECRET_KEY.
    derived = HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret_key.encode())
    return Fernet(urlsafe_b64encode(derived))
