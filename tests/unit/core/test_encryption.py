"""Encrypted secrets can be read again only for the same purpose and with the same SECRET_KEY."""

from base64 import urlsafe_b64encode

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.authentication.services import signing_keys
from apps.core.crypto.encryption import decrypt, encrypt, reencrypted

pytestmark = pytest.mark.unit


def test_secret_is_decrypted_only_for_its_purpose():
    encrypted = encrypt(b"secret", "messages")
    assert b"secret" not in encrypted
    assert decrypt(encrypted, "messages") == b"secret"
    assert decrypt(encrypted, "another purpose") is None


def test_same_secret_is_encrypted_differently_each_time():
    assert len({encrypt(b"secret", "messages") for _ in range(100)}) == 100


def test_secret_is_decrypted_only_with_the_same_secret_key(settings):
    encrypted = encrypt(b"secret", "messages")
    settings.SECRET_KEY = "another secret key, as after a change of it" * 2
    assert decrypt(encrypted, "messages") is None


def test_secret_of_a_former_key_is_decrypted_and_encrypted_again(settings):
    former, encrypted = settings.SECRET_KEY, encrypt(b"secret", "messages")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another secret key" * 4, ["a third" * 9, former]
    assert decrypt(encrypted, "messages") == b"secret"
    again = reencrypted(encrypted, "messages")
    assert again not in {None, encrypted}
    assert reencrypted(again, "messages") == again
    assert reencrypted(encrypted, "another purpose") is None
    settings.SECRET_KEY_FALLBACKS = []
    assert decrypt(again, "messages") == b"secret"
    assert reencrypted(encrypted, "messages") is None


@pytest.mark.parametrize("tampered", [b"", b"garbage", b"gAAAAA"])
def test_tampered_secret_is_not_decrypted(tampered):
    assert decrypt(tampered, "messages") is None
    assert decrypt(encrypt(b"secret", "messages")[:-4], "messages") is None


def test_stored_signing_keys_stay_decryptable(settings):
    derived = HKDF(SHA256(), length=32, salt=None, info=b"keyhouse signing keys").derive(settings.SECRET_KEY.encode())
    stored = Fernet(urlsafe_b64encode(derived)).encrypt(b"private half")
    assert signing_keys.decrypt(stored) == b"private half"
