"""Time-based codes, against the vectors of RFC 6238 and a clock that stands still."""

from base64 import b32encode
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import segno

from apps.core.crypto import encryption
from apps.second_factors.services.codes import (
    encrypt_secret,
    matching_step,
    matching_step_of_stored,
    new_secret,
    otpauth_uri,
    qr_code,
)

pytestmark = pytest.mark.unit

SECRET = b32encode(b"12345678901234567890").decode()
NOON = 1_800_000_000  # the first second of a step


# RFC 6238, appendix B, of whose eight digits the last six are shown.
@pytest.mark.parametrize(
    ("moment", "digits"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_codes_match_the_vectors_of_rfc_6238(moment: int, digits: str):
    assert matching_step(SECRET, digits, moment) == moment // 30


@pytest.mark.parametrize(("steps", "is_accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
@pytest.mark.parametrize("second", [0, 29])
def test_code_is_valid_one_step_before_and_after(steps: int, is_accepted: bool, second: int):
    digits = pyotp.TOTP(SECRET).at(NOON + steps * 30)
    assert matching_step(SECRET, digits, NOON + second) == (NOON // 30 + steps if is_accepted else None)


@pytest.mark.parametrize("digits", ["", "000000", "1234567", "abcdef"])
def test_malformed_digits_match_no_step(digits: str):
    assert matching_step(SECRET, digits, NOON) is None


def test_secrets_are_160_random_bits():
    secrets = {new_secret() for _ in range(50)}
    assert (len(secrets), {len(secret) for secret in secrets}) == (50, {32})


def test_uri_is_read_by_authenticator_apps_and_encoded_in_the_qr_code():
    uri = otpauth_uri(SECRET, "ivy@example.com", "Ivy & Co")
    assert uri.startswith("otpauth://totp/Ivy%20%26%20Co:ivy%40example.com?")
    assert parse_qs(urlsplit(uri).query) == {"secret": [SECRET], "issuer": ["Ivy & Co"]}
    assert pyotp.parse_uri(uri).secret == SECRET
    image = qr_code(uri)
    assert image.startswith("data:image/svg+xml;")
    assert image == segno.make_qr(uri, error="m").svg_data_uri(scale=4)
    assert image != segno.make_qr(uri.replace("ivy", "eve"), error="m").svg_data_uri(scale=4)


def test_stored_secret_is_decrypted_for_its_own_purpose_only():
    digits = pyotp.TOTP(SECRET).at(NOON)
    assert matching_step_of_stored(encrypt_secret(SECRET), digits, NOON) == NOON // 30
    assert matching_step_of_stored(encryption.encrypt(SECRET.encode(), "something else"), digits, NOON) is None
