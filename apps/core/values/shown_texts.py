"""Texts that people write and others read, in lists, mails and terminals: names, descriptions, reasons, references.

No character in them changes how the text around it is shown (Unicode Technical Report 36, 2.10; Unicode Standard Annex
9, 2), and a text that is not empty shows something: otherwise rows could pose as others, or as nothing.
"""

import re

CONTROLS = "must not contain control characters or characters that change the direction of text"
INVISIBLE = "must contain a visible character"

# Cc, Zl and Zp, and the Bidi_Control property.
_IN_LINES = r"\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_forbidden_in_lines = re.compile(f"[{_IN_LINES}]")
_forbidden_in_line = re.compile(rf"[{_IN_LINES}\n]")
# Blanks, the Default_Ignorable_Code_Point property, and the blank Braille pattern.
_invisible = re.compile(
    r"[\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)


def storable(text: str) -> str:
    """Return the text. Raises ValueError for characters that PostgreSQL cannot store."""
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must not contain lone surrogates") from error
    return text


def one_line(text: str) -> str:
    """Return the text. Raises ValueError unless it is empty, or one line that shows something."""
    if text.isascii() and text.isprintable() and not text.isspace():  # nearly every text, in a tenth of the time
        return text
    return _shown(text, _forbidden_in_line)


def lines(text: str) -> str:
    """Return the text with line feeds alone at the ends of lines. Raises ValueError as `one_line` does."""
    return _shown(text.replace("\r\n", "\n"), _forbidden_in_lines)


def escaped(text: str) -> str:
    r"""Return the text for a terminal: characters that move, hide or reorder others as `\x1b`, `\u202e`."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "backslashreplace").decode()
        for character in text
    )


def _shown(text: str, forbidden: re.Pattern[str]) -> str:
    storable(text)
    if forbidden.search(text):
        raise ValueError(CONTROLS)
    if _invisible.fullmatch(text):
        raise ValueError(INVISIBLE)
    return text
