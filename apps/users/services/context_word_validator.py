"""Rejects passwords that consist of words about the account or the service (ASVS 5.0, 6.2.11)."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

WORD_LENGTH_MINIMUM = 4  # shorter ones are part of too many others
LENGTH_MINIMUM = 8
ATTRIBUTES = ("email", "username", "full_name")
LOOK_ALIKES = str.maketrans("@4301!|l5$7+", "aaeoiiiisstt")


class ContextWordValidator:
    """Removes words about the product and the account; what remains of the password must be long enough."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = frozenset(map(_folded, words))

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError when too little remains."""
        folded = _folded(password)
        words = sorted(self._words | _words_of(user), key=len, reverse=True)
        left = re.sub("|".join(map(re.escape, words)), "", folded) if words else folded
        if len(left) < min(LENGTH_MINIMUM, len(folded)):
            raise ValidationError(
                "This password is little more than words about you or this service.", code="password_of_context_words"
            )

    def get_help_text(self) -> str:
        """Return the hint for people who choose a password."""
        return "Your password must contain more than your name, your address and the name of this service."


def _words_of(user: Any) -> set[str]:
    values = [str(getattr(user, name, "") or "") for name in ATTRIBUTES]
    parts = [part for value in values for part in (value, *re.split(r"[\W_]+", value))]
    return {folded for part in parts if len(folded := _folded(part)) >= WORD_LENGTH_MINIMUM}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(LOOK_ALIKES)
