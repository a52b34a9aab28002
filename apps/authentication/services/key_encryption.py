"""Encrypts the private halves of signing keys."""

from apps.core.crypto import encryption

# Part of how the stored keys were encrypted: another word here makes them unreadable.
PURPOSE = "keyhouse signing keys"


def encrypt(secret: bytes) -> bytes:
    """Return `secret` encrypted and authenticated."""
    return encryption.encrypt(secret, PURPOSE)


def decrypt(encrypted: bytes) -> bytes | None:
    """Return the secret, or None when it was encrypted under another SECRET_KEY or tampered with."""
    return encryption.decrypt(encrypted, PURPOSE)
