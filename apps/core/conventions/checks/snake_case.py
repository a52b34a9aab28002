"""What snake_case is, and a class's name in it."""

import re

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def is_snake_case(name: str) -> bool:
    """Say whether a name is lower-case words joined by single underscores."""
    return SNAKE_CASE.fullmatch(name) is not None


def to_snake_case(class_name: str) -> str:
    """Return ApiKeySecret as api_key_secret, and keep OAuth one word."""
    return WORD_BOUNDARY.sub("_", class_name.replace("OAuth", "Oauth")).lower()
