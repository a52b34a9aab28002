"""Texts that people read: which are refused, and how commands print those that were stored before."""

import unicodedata

import pytest

from apps.core.values.shown_texts import CONTROLS, INVISIBLE, escaped, lines, one_line

pytestmark = pytest.mark.unit

EVERY_CHARACTER = [chr(number) for number in range(0x110000) if not 0xD800 <= number <= 0xDFFF]
BIDI = [
    character
    for character in EVERY_CHARACTER
    if unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
] + ["\u200e", "\u200f", "\u061c"]
CONTROL = [character for character in EVERY_CHARACTER if unicodedata.category(character) in {"Cc", "Zl", "Zp"}]
READABLE = [
    "",
    "a",
    "name 1",
    "名前 🔑",
    "café",
    "עברית",
    "مفتاح",
    "👩‍💻",
    "क्‍ष",
    "#~\\",
    "a\u00a0b",
    "🏴\U000e0067\U000e007f",
]


@pytest.mark.parametrize("text", READABLE)
def test_readable_text_is_kept(text: str):
    assert one_line(text) == lines(text) == text


@pytest.mark.parametrize("character", [*CONTROL, *BIDI], ids=ascii)
def test_control_and_direction_characters_are_refused(character: str):
    with pytest.raises(ValueError, match="NUL" if character == "\x00" else CONTROLS):
        one_line(f"a{character}b")
    if character != "\n":
        with pytest.raises(ValueError, match="NUL" if character == "\x00" else CONTROLS):
            lines(f"a{character}b")


def test_only_these_characters_are_refused():
    refused = {*CONTROL, *BIDI}
    for character in EVERY_CHARACTER:
        if character not in refused:
            assert one_line(f"a{character}") == f"a{character}"


@pytest.mark.parametrize(
    "text", [" ", "\u200b", "\u2060 \ufeff", "\u3164", "\u2800", "\u00ad", "\U000e0041", "\u200d\ufe0f"]
)
def test_text_without_a_visible_character_is_refused(text: str):
    for check in (one_line, lines):
        with pytest.raises(ValueError, match=INVISIBLE):
            check(text)
        assert check(f"{text}a") == f"{text}a"


def test_several_lines_end_in_line_feeds():
    assert lines("a\r\nb\nc") == "a\nb\nc"
    for text in ("a\rb", "\r\n", "\n"):
        with pytest.raises(ValueError, match="must"):
            lines(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("name 名前", "name 名前"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("a\nb\tc\r\x9b", r"a\nb\tc\r\x9b"),
        ("\u200b", r"\u200b"),
        ("\ud800", r"\ud800"),
    ],
)
def test_commands_escape_characters_that_change_a_terminal(text: str, shown: str):
    assert escaped(text) == shown
