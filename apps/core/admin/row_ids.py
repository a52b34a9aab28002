"""Parses row ids that browsers send."""

BIGINT_DIGITS = 18
NO_ROW_ID = 0  # ids start at 1


def parse_row_id(text: str) -> int:
    """Return the row id in the text, or NO_ROW_ID when the text is not an id."""
    is_number = text.isascii() and text.isdigit() and len(text) <= BIGINT_DIGITS
    return int(text) if is_number else NO_ROW_ID
