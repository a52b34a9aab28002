"""Recovery codes: random, and read however people type them."""

import re

import pytest

from apps.second_factors.services.codes import digest_of, new_codes, six_digits_of

pytestmark = pytest.mark.unit


def test_ten_codes_have_120_random_bits_and_no_ambiguous_letters():
    codes = [code for _ in range(20) for code in new_codes()]
    assert len(set(codes)) == 200
    pattern = re.compile(r"[0-9A-HJKMNP-TV-Z]{6}(-[0-9A-HJKMNP-TV-Z]{6}){3}")
    assert all(pattern.fullmatch(code) for code in codes)


@pytest.mark.parametrize(
    "typed",
    [
        "0123AB-CDEFGH-JKMNPQ-RSTVWX",
        "0123abcdefghjkmnpqrstvwx",
        " o i23ab cdefgh-jkmnpq-rstvwx",
        "OL23ABCDEFGHJKMNPQRSTVWX",
    ],
)
def test_every_way_of_typing_a_code_has_the_same_digest(typed: str):
    assert digest_of(typed) == digest_of("0123AB-CDEFGH-JKMNPQ-RSTVWX")
    assert len(digest_of(typed)) == 32


def test_different_codes_have_different_digests():
    assert digest_of("0123AB-CDEFGH-JKMNPQ-RSTVWY") != digest_of("0123AB-CDEFGH-JKMNPQ-RSTVWX")


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("123456", "123456"),
        ("123 456", "123456"),
        ("000-000", "000000"),
        ("12345", None),
        ("1234567", None),
        ("12345O", "123450"),
        ("0123AB-CDEFGH-JKMNPQ-RSTVWX", None),
    ],
)
def test_six_digits_are_distinguished_from_recovery_codes(code: str, digits: str | None):
    assert six_digits_of(code) == digits
