"""Refresh tokens."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import reduce
from hashlib import sha256
from operator import and_, or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.authentication.domain.refresh_token import RefreshToken, new_family, read_refresh_token

pytestmark = pytest.mark.unit

families = st.binary(min_size=24, max_size=24)


@given(family=families, generation=st.integers(0, 2**32 - 1))
def test_issued_token_is_read_again(family, generation):
    token = RefreshToken(family, generation)
    assert token.encode().startswith("rt_")
    assert read_refresh_token(token.encode()) == token


def test_new_family_is_unique_and_begins_at_generation_0():
    first, second = new_family(), new_family()
    assert first.family != second.family
    assert (len(first.family), first.generation) == (24, 0)


def test_families_are_random_in_every_bit(monkeypatch: pytest.MonkeyPatch):
    """Beside the MAC, the second thing that a forger of a token lacks."""
    families_made = [int.from_bytes(new_family().family) for _ in range(128)]
    always_set, ever_set = reduce(and_, families_made), reduce(or_, families_made)
    assert (always_set, ever_set) == (0, 2**192 - 1)
    drawn = iter([b"a" * 24, b"b" * 24])
    monkeypatch.setattr(secrets, "token_bytes", lambda size: next(drawn))
    assert [new_family().family, new_family().family] == [b"a" * 24, b"b" * 24]


def test_only_a_digest_of_the_family_is_stored():
    token = RefreshToken(b"f" * 24, 3)
    assert token.family_digest == sha256(b"f" * 24).digest()
    assert token.family_digest == RefreshToken(b"f" * 24, 4).family_digest


@given(position=st.integers(0, 59), flip=st.integers(1, 255))
def test_token_with_a_changed_byte_is_rejected(position, flip):
    raw = bytearray(urlsafe_b64decode(new_family().encode().removeprefix("rt_")))
    raw[position] ^= flip
    assert read_refresh_token("rt_" + urlsafe_b64encode(bytes(raw)).decode()) is None


def test_next_generation_cannot_be_forged():
    raw = urlsafe_b64decode(new_family().encode().removeprefix("rt_"))
    forged = raw[:24] + (1).to_bytes(4) + raw[28:]
    assert read_refresh_token("rt_" + urlsafe_b64encode(forged).decode()) is None


def test_token_of_another_secret_key_is_rejected(settings):
    token = new_family().encode()
    settings.SECRET_KEY = "another secret key, as after a change" * 2
    assert read_refresh_token(token) is None


def test_token_of_a_former_secret_key_is_read_and_new_ones_are_not_made_with_it(settings):
    former, token = settings.SECRET_KEY, new_family()
    encoded = token.encode()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another secret key, as after a change" * 2, [former]
    assert read_refresh_token(encoded) == token
    settings.SECRET_KEY_FALLBACKS = []
    assert read_refresh_token(encoded) is None
    assert read_refresh_token(token.encode()) == token


@pytest.mark.parametrize("text", ["", "rt_", "rt_!!!!", "rt_AAAA", "rt_" + "A" * 80, "rt_" + "A" * 500, "é", "\ud800"])
def test_malformed_token_is_rejected(text):
    assert read_refresh_token(text) is None


@pytest.mark.parametrize("cut", [1, 4, 40])
def test_truncated_token_is_rejected(cut):
    assert read_refresh_token(new_family().encode()[:-cut]) is None


@given(st.text())
def test_any_text_is_handled(text):
    assert read_refresh_token(text) is None
