"""Checks for snake_case, and converts class names to it."""

import re

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def is_snake_case(name: str) -> bool:
    """Return whether a name consists of lower-case words joined by single underscores."""
    return SNAKE_CASE.fullmatch(name) is not None


def to_snake_case(class_name: str) -> str:
    """Convert a class name to snake_case, such as ApiKeySecret to api_key_secret; OAuth counts as one word."""
    return WORD_BOUNDARY.sub("_", class_name.replace("OAuth", "Oauth")).lower()
