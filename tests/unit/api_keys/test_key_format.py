"""The format of API keys."""

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api_keys.services.key_format import (
    ALPHABET,
    checksum,
    digest_of,
    generate_key,
    is_well_formed,
    visible_prefix,
)

pytestmark = pytest.mark.unit

# Made once and kept: a change of the format would break every key that is out there.
KNOWN = "sk_live_0123456789ABCDEFGHIJKLMNOPQRSTUV"
KNOWN_KEY = KNOWN + checksum(KNOWN)
environments = st.sampled_from(["live", "test"])


@given(environment=environments)
def test_the_format_of_a_key(environment):
    key = generate_key(environment)
    assert re.fullmatch(rf"sk_{environment}_[0-9A-Za-z]{{38}}", key)
    assert is_well_formed(key)
    assert visible_prefix(key) == key[: len(f"sk_{environment}_") + 4]
    assert digest_of(key) == sha256(key.encode()).digest()


def test_keys_are_unique():
    assert len({generate_key("live") for _ in range(1000)}) == 1000


def test_keys_use_the_whole_alphabet():
    assert set("".join(generate_key("test")[8:] for _ in range(500))) == set(ALPHABET)
    assert len(ALPHABET) == 62


@pytest.mark.parametrize(
    ("body", "expected"),
    [("", "000000"), ("a", "4GEHKN"), ("sk_live_00000000000000000000000000000000", "2UYg5A")],
)
def test_the_checksum_is_crc_32_in_base_62(body, expected):
    assert checksum(body) == expected


@given(environment=environments, position=st.integers(0, 37), other=st.sampled_from(ALPHABET))
def test_one_mistyped_character_is_detected(environment, position, other):
    key = generate_key(environment)
    at = len(key) - 38 + position
    mistyped = key[:at] + other + key[at + 1 :]
    assert is_well_formed(mistyped) is (mistyped == key)


@given(position=st.integers(0, 36))
def test_two_exchanged_characters_are_detected(position):
    key = generate_key("live")
    at = len(key) - 38 + position
    exchanged = key[:at] + key[at + 1] + key[at] + key[at + 2 :]
    assert is_well_formed(exchanged) is (exchanged == key)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "sk_",
        "sk_live_",
        KNOWN,
        KNOWN_KEY[:-1],
        KNOWN_KEY + "0",
        KNOWN_KEY + "\n",
        " " + KNOWN_KEY,
        KNOWN_KEY.replace("live", "test"),
        KNOWN_KEY.replace("live", "prod"),
        KNOWN_KEY.replace("sk_", "pk_"),
        KNOWN_KEY.swapcase(),
        KNOWN_KEY.replace("0", "\x00"),
        KNOWN_KEY.replace("1", "\u0661"),
        KNOWN_KEY.replace("A", "\uff21"),
        "\ud800" * len(KNOWN_KEY),
    ],
    ids=ascii,
)
def test_malformed_keys_are_detected(broken):
    assert is_well_formed(KNOWN_KEY)
    assert not is_well_formed(broken)


@given(st.text())
def test_any_text_can_be_checked(text):
    assert is_well_formed(text) is False
