"""What is kept encrypted can be read again, for its own purpose and under its own SECRET_KEY alone."""

from base64 import urlsafe_b64encode

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.authentication.services import signing_keys
from apps.core.crypto.encryption import decrypt, encrypt

pytestmark = pytest.mark.unit


def test_is_read_again_for_the_same_purpose_alone():
    encrypted = encrypt(b"secret", "letters")
    assert b"secret" not in encrypted
    assert decrypt(encrypted, "letters") == b"secret"
    assert decrypt(encrypted, "other things") is None


def test_is_read_again_under_the_same_secret_key_alone(settings):
    encrypted = encrypt(b"secret", "letters")
    settings.SECRET_KEY = "another secret key, as after somebody has changed it" * 2
    assert decrypt(encrypted, "letters") is None


@pytest.mark.parametrize("tampered", [b"", b"garbage", b"gAAAAA"])
def test_what_was_tampered_with_is_not_read(tampered):
    assert decrypt(tampered, "letters") is None
    assert decrypt(encrypt(b"secret", "letters")[:-4], "letters") is None


def test_signing_keys_that_were_stored_long_ago_are_still_read(settings):
    derived = HKDF(SHA256(), length=32, salt=None, info=b"keyhouse signing keys").derive(settings.SECRET_KEY.encode())
    stored = Fernet(urlsafe_b64encode(derived)).encrypt(b"private half")
    assert signing_keys.decrypt(stored) == b"private half"
