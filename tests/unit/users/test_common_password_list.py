"""The list of common passwords."""

import gzip
import unicodedata
from pathlib import Path

import django
import pytest

from apps.users.repositories.known_passwords import LIST, is_common_password

pytestmark = pytest.mark.unit

LINES = gzip.decompress(LIST.read_bytes()).decode().split("\n")
DJANGO_S = Path(django.__file__).parent / "contrib" / "auth" / "common-passwords.txt.gz"


def test_list_is_as_documented():
    *words, end = LINES
    assert (len(words), end) == (102_088, "")
    assert words == sorted(set(words), key=str.encode)
    assert all(len(word) >= 8 and word == word.strip() for word in words)
    assert all(word == unicodedata.normalize("NFKC", word).casefold() for word in words)


def test_contains_django_s_list():
    theirs = {word.strip().casefold() for word in gzip.decompress(DJANGO_S.read_bytes()).decode().splitlines()}
    assert {word for word in theirs if len(word) >= 8} <= set(LINES)


@pytest.mark.parametrize("password", ["password1", "PassWord1", " password1 ", "iloveyou2", "1q2w3e4r5t"])
def test_common_password_is_found_in_any_case_and_width(password):
    assert is_common_password(password) is True


@pytest.mark.parametrize(
    "password", ["", "\n", "password1\npassword2", "correct horse battery staple", "\ud800", "x7!kQ2pz"]
)
def test_other_passwords_are_not_found(password):
    assert is_common_password(password) is False
