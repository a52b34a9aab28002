"""Reads numbers that browsers send."""

BIGINT_DIGITS = 18
NONE = 0  # the number of no row


def number_in(text: str) -> int:
    """Return the number of a row that the text is, or one that no row has."""
    is_number = text.isascii() and text.isdigit() and len(text) <= BIGINT_DIGITS
    return int(text) if is_number else NONE
